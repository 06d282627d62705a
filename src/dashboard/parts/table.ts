import { type Child, make } from '../element.ts';

export interface Column<Row> {
  title: string;
  /** Right-aligned, tabular digits. */
  isNumber?: boolean;
  /** The cell that names its row. */
  isHead?: boolean;
  cell: (row: Row) => Child;
}

/** A table that scrolls within itself; the frame can be reached and scrolled with the keyboard. */
export class Table<Row> {
  readonly element: HTMLElement;
  readonly #body = make('tbody');
  readonly #columns: readonly Column<Row>[];
  readonly #empty: string;

  constructor(caption: string, columns: readonly Column<Row>[], empty: string) {
    this.#columns = columns;
    this.#empty = empty;
    const heads = columns.map(({ title, isNumber }) =>
      make('th', { scope: 'col', class: isNumber ? 'number' : undefined }, title),
    );
    this.element = make(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
      make(
        'table',
        {},
        make('caption', { class: 'unseen' }, caption),
        make('thead', {}, make('tr', {}, ...heads)),
        this.#body,
      ),
    );
  }

  show(rows: readonly Row[]): void {
    if (rows.length === 0) {
      const cell = make('td', { colspan: this.#columns.length, class: 'empty' }, this.#empty);
      this.#body.replaceChildren(make('tr', {}, cell));
      return;
    }
    this.#body.replaceChildren(...rows.map((row) => this.#makeRow(row)));
  }

  #makeRow(row: Row): HTMLTableRowElement {
    const cells = this.#columns.map(({ cell, isNumber, isHead }) =>
      make(
        isHead ? 'th' : 'td',
        { class: isNumber ? 'number' : undefined, scope: isHead ? 'row' : undefined },
        cell(row),
      ),
    );
    return make('tr', {}, ...cells);
  }
}
