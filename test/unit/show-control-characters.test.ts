import { expect, test } from 'vitest';
import { showControlCharacters } from '../../src/lib/show-control-characters.ts';

test.each([
  ['C0', '\x00\x07\x08\x1b[2K\x7f', '\\x00\\x07\\x08\\x1b[2K\\x7f'],
  ['line ends', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
  ['C1', '\x85\x9b31m', '\\x85\\x9b31m'],
  ['bidi overrides and isolates', '\u202eabc\u2066d\u200f\u061c', '\\u202eabc\\u2066d\\u200f\\u061c'],
  ['zero-width', 'a\u200bb\u2060c\ufeffd\u00ade', 'a\\u200bb\\u2060c\\ufeffd\\xade'],
  ['line separators', '\u2028\u2029', '\\u2028\\u2029'],
  ['letters without a glyph', '\u3164\u115f\u034f', '\\u3164\\u115f\\u034f'],
  ['tags above the first plane', '\u{e0041}', '\\u{e0041}'],
  ['half a pair', 'x\ud83d', 'x\\ud83d'],
  ['a joiner that joins no emoji', 'a\u200db', 'a\\u200db'],
])('control characters become visible escapes: %s', (_, text, shown) => {
  expect(showControlCharacters(text)).toBe(shown);
});

test('whatever can be seen stays as it is, also Chinese, emoji and a backslash', () => {
  const text = 'Memory 8 «é» 内存 \\x1b e\u0301 ❤\ufe0f 👩🏽\u200d🚀 葛\u{e0100}  x';
  expect(showControlCharacters(text)).toBe(text);
});

test('text that is shown in lines keeps its line feeds and tabs, and nothing else', () => {
  expect(showControlCharacters('a\n\tb\r\x1b', { keepLines: true })).toBe('a\n\tb\\r\\x1b');
});

test('no escape sequence and no bidi control is left, whatever the text', () => {
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('');
  expect(showControlCharacters(all)).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});
