import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCsvLine } from '../../src/lib/csv.ts';

/** A parser of RFC 4180, independent of Weir's code. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (!found) throw new Error(`no cell at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    const [, quoted, plain = '', end] = found;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

test.for([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-2+3', "'-2+3"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\tx', "'\tx"],
  ['\rx', "'\rx"],
  ['\nx', "'\nx"],
  [' =1', "' =1"],
  ['\u00a0=1', "'\u00a0=1"],
  ['＝1', "'＝1"],
  ["'quoted", "''quoted"],
  ['=HYPERLINK("https://evil.example","x")', '\'=HYPERLINK("https://evil.example","x")'],
  ['a=1', 'a=1'],
  ['2026-11-27T20:00:00.000Z', '2026-11-27T20:00:00.000Z'],
  ['a,b', 'a,b'],
  ['', ''],
] as const)('a cell that a spreadsheet would run becomes text (case %#)', ([cell, read]) => {
  expect(parseCsv(toCsvLine(['first', cell, 'last']))).toEqual([['first', read, 'last']]);
});

test('a line has the bytes of RFC 4180', () => {
  expect(toCsvLine(['a', 'b c', 'd,e', 'say "x"', 'two\nlines', ''])).toBe(
    'a,b c,"d,e","say ""x""","two\nlines",\r\n',
  );
});

test('any cells come back from a file, once one leading apostrophe is removed', () => {
  const hostile = fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '"', ',', "'", ' ', 'a', '＝');
  const cell = fc.oneof(fc.string({ unit: hostile, maxLength: 6 }), fc.string({ unit: 'binary' }));
  const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  fc.assert(
    fc.property(table, (rows) => {
      const read = parseCsv(rows.map((row) => toCsvLine(row)).join(''));
      expect(read.map((row) => row.map((text) => text.replace(/^'/, '')))).toEqual(rows);
      for (const text of read.flat()) expect(text).not.toMatch(/^(?:\s*[=+\-@]|[\t\r])/);
    }),
  );
});
