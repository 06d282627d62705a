import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { showControlCharacters } from '../../lib/show-control-characters.ts';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

/** A plain string is foreign text: it is printed with its control characters visible. */
export type Text = string | { style: Style; text: string };

/** Columns on a terminal: two for wide characters and emoji, none for combining marks. */
export const widthOf: (text: string) => number = stringWidth;

/** User-perceived characters: no emoji or accent is cut in half. */
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** The longest prefix that fits into `width` columns. */
export function takeColumns(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let taken = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    used += widthOf(segment);
    if (used > width) break;
    taken += segment;
  }
  return taken;
}

export function cutText(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${takeColumns(text, width - 1)}…`;
}

/** Lines of at most `width` columns; only a word longer than a line is broken. */
export function wrapText(text: string, width: number, laterWidth = width): string[] {
  const laterRoom = Math.max(4, laterWidth);
  const lines: string[] = [];
  let rest = text;
  do {
    const room = lines.length === 0 ? Math.max(4, width) : laterRoom;
    // A character wider than the space is taken anyway, otherwise the loop would never end.
    let line = takeColumns(rest, room) || (segmenter.segment(rest).containing(0)?.segment ?? '');
    const blank = line.length < rest.length ? rest.lastIndexOf(' ', line.length) : -1;
    const [word = ''] = rest.slice(blank + 1).split(' ', 1);
    if (blank > 0 && widthOf(word) <= laterRoom) line = rest.slice(0, blank);
    lines.push(line);
    rest = rest.slice(line.length).trimStart();
  } while (rest !== '');
  return lines;
}

/** The text as sent to the terminal: it stays on its line and moves nothing. */
export function drawText(text: Text, hasColors: boolean): string {
  if (typeof text === 'string') return showControlCharacters(text);
  const shown = showControlCharacters(text.text);
  return hasColors ? styleText(text.style, shown, { validateStream: false }) : shown;
}
