/**
 * Replaces every character that moves the cursor, reorders text or is invisible with a visible escape (`
 * `, `\x1b`, `\u202e`), so that foreign text cannot be mistaken for output of Weir. For display only: a
 * backslash is not doubled, so the escape is not reversible. `keepLines` preserves line feeds and tabs.
 * Imports nothing, because the page uses it too.
 */
export function showControlCharacters(text: string, { keepLines = false } = {}): string {
  return text.replace(keepLines ? unseenInLines : unseen, escapeOf);
}

// Cc: C0, DEL, C1. Cf: bidi controls, zero-width, tags. Cs: lone surrogates. Zl, Zp: line breaks to some readers. Ignorable:
// letters without a glyph, such as Hangul fillers. Variation selectors stay, and the joiner between two pictographs, since
// emoji are spelled with them.
const controls = String.raw`[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?!\p{Variation_Selector})\p{Default_Ignorable_Code_Point}`;
const emojiJoiner = String.raw`(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic})`;
const unseen = new RegExp(`(?!${emojiJoiner})(?:${controls})`, 'gu');
const unseenInLines = new RegExp(String.raw`(?![\n\t])${unseen.source}`, 'gu');

const shortEscapes = new Map([
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
]);

function escapeOf(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code <= 0xff) return `\\x${digits.padStart(2, '0')}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`;
}
