import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

/**
 * Aligned columns under a bold head, without lines, so that cut and awk still work on it. On a terminal that is too narrow
 * cells end in "…", unless all of it is what was asked for (`whole`).
 */
export function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { whole = head.length === 0 } = {},
): void {
  const { isTTY, columns } = process.stdout;
  const fitting = isTTY && columns && !whole ? fitRows(head, rows, columns) : rows;
  process.stdout.write(`${drawTable(head, fitting, isTTY)}\n`);
}

function drawTable(head: readonly string[], rows: readonly (readonly string[])[], isBold: boolean): string {
  const table = new Table({
    head: [...head],
    chars: { ...noLines, middle: gap },
    style: { head: isBold ? ['bold'] : [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push([...row]);
  return table.toString().replaceAll(trailingBlanks, '$1');
}

const gap = '  ';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the head's blanks stand before the end of its color
const trailingBlanks = / +((?:\x1b\[\d+m)*)$/gm;

const noLines = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '',
  bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '',
}; // biome-ignore format: a row for each edge

const leastWidth = 10;

/** Cuts the last column, which tells the most, then the widest of the others; the first is what the row is named by. */
export function fitRows(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): readonly (readonly string[])[] {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(widthOf)),
  );
  const least = head.map((title) => Math.max(leastWidth, title.length));
  let excess = widths.reduce((sum, width) => sum + width, gap.length * (head.length - 1)) - columns;
  const order = head.map((_, column) => column).slice(1);
  const last = order.pop();
  order.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
  for (const column of last === undefined ? [] : [last, ...order]) {
    const spare = Math.min(excess, (widths[column] ?? 0) - (least[column] ?? 0));
    if (spare <= 0) continue;
    widths[column] = (widths[column] ?? 0) - spare;
    excess -= spare;
  }
  return rows.map((row) => row.map((cell, column) => cut(cell, widths[column] ?? 0)));
}

function cut(cell: string, width: number): string {
  return widthOf(cell) <= width ? cell : `${[...cell].slice(0, width - 1).join('')}…`;
}

function widthOf(cell: string): number {
  return [...stripVTControlCharacters(cell)].length;
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, process.stdout.isTTY ? 2 : undefined)}\n`);
}
