/**
 * What a spreadsheet would run as a formula, also after blanks and in full-width characters; and a leading apostrophe, so that the
 * added one can be distinguished from the cell's own.
 */
const risky = /^(?:\s*[=+\-@＝＋－＠]|[\t\r\n'])/;

/**
 * One line of RFC 4180 with its end. A cell that a spreadsheet would run gets an apostrophe, which makes it text there; a
 * program that reads the file removes one leading apostrophe.
 */
export function toCsvLine(cells: readonly string[]): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

function toCell(text: string): string {
  const harmless = risky.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
