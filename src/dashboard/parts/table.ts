import { type Child, make } from '../element.ts';

export interface Column<Row> {
  title: string;
  /** Right-aligned, tabular digits. */
  isNumber?: boolean;
  /** The cell that names its row. */
  isHead?: boolean;
  /** Words that may run to several lines. */
  isText?: boolean;
  cell: (row: Row) => Child;
}

/**
 * A table that scrolls within itself; the batch can be reached and scrolled with the keyboard. On a telephone each row is a
 * card, whose values carry the titles of their columns; the roles are spelled out, since a browser takes a table that is laid
 * out otherwise for none.
 */
export class Table<Row> {
  readonly element: HTMLElement;
  readonly #body = make('tbody', { role: 'rowgroup' });
  readonly #columns: readonly Column<Row>[];
  readonly #empty: string;

  constructor(caption: string, columns: readonly Column<Row>[], empty: string) {
    this.#columns = columns;
    this.#empty = empty;
    const heads = columns.map(({ title, isNumber }) =>
      make('th', { role: 'columnheader', scope: 'col', class: isNumber ? 'number' : undefined }, title),
    );
    this.element = make(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
      make(
        'table',
        { role: 'table' },
        make('caption', { class: 'unseen' }, caption),
        make('thead', { role: 'rowgroup' }, make('tr', { role: 'row' }, ...heads)),
        this.#body,
      ),
    );
  }

  show(rows: readonly Row[]): void {
    if (rows.length === 0) {
      const cell = make('td', { role: 'cell', colspan: this.#columns.length, class: 'empty' }, this.#empty);
      this.#body.replaceChildren(make('tr', { role: 'row' }, cell));
      return;
    }
    this.#body.replaceChildren(...rows.map((row) => this.#makeRow(row)));
  }

  #makeRow(row: Row): HTMLTableRowElement {
    const cells = this.#columns.map(({ title, cell, isNumber, isHead, isText }) =>
      make(
        isHead ? 'th' : 'td',
        {
          role: isHead ? 'rowheader' : 'cell',
          class: [isNumber && 'number', isText && 'text'].filter(Boolean).join(' ') || undefined,
          scope: isHead ? 'row' : undefined,
          'data-label': isHead ? undefined : title,
        },
        cell(row),
      ),
    );
    return make('tr', { role: 'row' }, ...cells);
  }
}
