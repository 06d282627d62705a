// biome-ignore-all lint/a11y/noRedundantRoles: a browser takes a table that is laid out as cards for none
import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  title: string;
  /** Right-aligned, tabular digits. */
  isNumber?: boolean;
  /** The cell that names its row. */
  isHead?: boolean;
  /** Words that may run to several lines. */
  isText?: boolean;
  cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  caption: string;
  columns: readonly (Column<Row> | false)[];
  /** undefined: not loaded yet. */
  rows: readonly Row[] | undefined;
  empty: ComponentChildren;
}

/**
 * A table that scrolls within itself, with the keyboard as well. On a telephone each row is a card, whose values carry the titles of their
 * columns; the roles are spelled out, since a browser takes a table that is laid out otherwise for none.
 */
export function Table<Row>({ caption, columns: all, rows, empty }: TableProps<Row>) {
  const columns = all.filter((column) => column !== false);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table role="table" aria-busy={rows === undefined}>
        <caption class="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, isNumber }) => (
              <th key={title} role="columnheader" scope="col" class={isNumber ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows?.map((row, i) => (
            <tr role="row" key={i}>
              {columns.map((column) => (
                <Cell key={column.title} column={column} row={row} />
              ))}
            </tr>
          ))}
          {rows?.length === 0 && (
            <tr role="row">
              <td role="cell" colSpan={columns.length} class="empty">
                {empty}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  const { title, isHead, isNumber, isText, cell } = column;
  const style = [isNumber && 'number', isText && 'text'].filter(Boolean).join(' ') || undefined;
  if (isHead) {
    return (
      <th role="rowheader" scope="row" class={style}>
        {cell(row)}
      </th>
    );
  }
  return (
    <td role="cell" class={style} data-label={title}>
      {cell(row)}
    </td>
  );
}
