import { showControlCharacters } from '../../lib/show-control-characters.ts';
import { type Column, fitColumns } from './fit-columns.ts';
import { printLine } from './output.ts';
import { cutText, type Text, widthOf, wrapText } from './text.ts';

type Row = readonly Text[];

const gap = '  ';

/**
 * Aligned columns under a bold head, without lines, so that cut and awk work on it. Only a terminal that is
 * too narrow hides columns, then truncates prose; with `whole` prose continues on the next line instead.
 */
export function printTable(
  columns: readonly (string | Column)[],
  rows: readonly Row[],
  { whole = false } = {},
): void {
  const all = columns.map((column) => (typeof column === 'string' ? { title: column } : column));
  const shown = rows.map((row) => row.map(showCell));
  const { isTTY, columns: room } = process.stdout;
  const { kept, widths, leftOut } = fitColumns(
    all,
    shown.map((row) => row.map(textOf)),
    isTTY && room ? room : Number.POSITIVE_INFINITY,
    gap.length,
  );
  const head = all.map(({ title }): Text => ({ style: 'bold', text: title }));
  for (const row of [head, ...shown]) {
    const cells = kept.map((column) => splitCell(row[column] ?? '', widths[column] ?? 0, whole));
    const height = Math.max(...cells.map(({ length }) => length));
    for (let line = 0; line < height; line++) {
      printCells(
        cells.map((lines) => lines[line] ?? ''),
        kept.map((column) => widths[column] ?? 0),
      );
    }
  }
  if (leftOut.length === 0) return;
  const titles = leftOut.map((column) => all[column]?.title).join(', ');
  printLine({ style: 'dim', text: `No room for ${titles}: enlarge the terminal, or use --json.` });
}

/** One object: a name and its value per line, which the terminal may wrap so that it can be copied. */
export function printFields(fields: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...fields.map(([name]) => widthOf(name)));
  for (const [name, value] of fields) printCells([name, value], [width]);
}

/** Every cell but the last is padded, so that no line has trailing spaces. */
function printCells(cells: readonly Text[], widths: readonly number[]): void {
  const last = cells.findLastIndex((cell) => textOf(cell) !== '');
  printLine(
    ...cells.slice(0, last + 1).flatMap((cell, column): Text[] => {
      if (column === last) return [cell];
      return [cell, ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(textOf(cell)))), gap];
    }),
  );
}

function splitCell(cell: Text, width: number, whole: boolean): Text[] {
  const text = textOf(cell);
  const lines = whole ? wrapText(text, width) : [cutText(text, width)];
  return typeof cell === 'string' ? lines : lines.map((line) => ({ ...cell, text: line }));
}

/** A visible control character takes more columns than the character itself. */
function showCell(cell: Text): Text {
  if (typeof cell === 'string') return showControlCharacters(cell);
  return { ...cell, text: showControlCharacters(cell.text) };
}

function textOf(cell: Text): string {
  return typeof cell === 'string' ? cell : cell.text;
}

/** A time in a list: one word, in seconds, in ISO 8601. */
export function showTime(time: string | null): string {
  return time === null ? '-' : time.replace(/\.\d+(?=Z$)/, '');
}
