import { describe, expect, test } from 'vitest';
import { fitColumns } from '../../src/cli/output/fit-columns.ts';
import { fitSections } from '../../src/cli/output/fit-sections.ts';
import { cutText, takeColumns, widthOf, wrapText } from '../../src/cli/output/text.ts';

describe('fitted columns', () => {
  const columns = [{ title: 'ID' }, { title: 'USER', rank: 2 }, { title: 'SOURCE', rank: 1 }, prose()];
  const rows = [['1234567890', 'u'.repeat(10), 's'.repeat(10), 'p'.repeat(40)]];
  function prose() {
    return { title: 'DETAIL', isProse: true };
  }

  test('columns keep their full width where there is room', () => {
    expect(fitColumns(columns, rows, 76, 2)).toEqual({
      kept: [0, 1, 2, 3],
      widths: [10, 10, 10, 40],
      leftOut: [],
    });
  });

  test('prose shrinks before a column is left out', () => {
    expect(fitColumns(columns, rows, 60, 2)).toMatchObject({ kept: [0, 1, 2, 3], widths: [10, 10, 10, 24] });
  });

  test('the column of the highest rank is left out first', () => {
    expect(fitColumns(columns, rows, 50, 2)).toMatchObject({ kept: [0, 2, 3], leftOut: [1] });
    expect(fitColumns(columns, rows, 35, 2)).toMatchObject({ kept: [0, 3], leftOut: [1, 2] });
  });

  test('the first column is never shortened', () => {
    expect(fitColumns(columns, rows, 1, 2).widths[0]).toBe(10);
  });
});

describe('fitted sections', () => {
  const sections = [
    { name: 'rates', lines: ['r1', 'r2'], rank: 0 },
    { name: 'stores', lines: ['s1'], rank: 1 },
    { name: 'trend', lines: ['t1', 't2'], rank: 2 },
  ];
  const fitTo = (height: number) => fitSections(sections, height, '', (names) => `missing: ${names.join()}`);

  test('sections stand apart where there is room and close together where not', () => {
    expect(fitTo(7)).toEqual(['r1', 'r2', '', 's1', '', 't1', 't2']);
    expect(fitTo(6)).toEqual(['r1', 'r2', 's1', 't1', 't2']);
  });

  test('sections of the highest rank are left out first, and are named', () => {
    expect(fitTo(4)).toEqual(['r1', 'r2', 's1', 'missing: trend']);
    expect(fitTo(3)).toEqual(['r1', 'r2', 'missing: stores,trend']);
  });

  test('sections never exceed the height', () => {
    for (let height = 1; height < 8; height++) expect(fitTo(height).length).toBeLessThanOrEqual(height);
  });
});

describe('terminal text', () => {
  test('a cut text fits its width in wide characters and whole emoji', () => {
    expect([cutText('云云云', 6), cutText('云云云', 5), takeColumns('a👩‍🚀b', 2)]).toEqual([
      '云云云',
      '云云…',
      'a',
    ]);
  });

  test('a wrapped text keeps every word, and breaks only one without room', () => {
    expect(wrapText('one two three', 8)).toEqual(['one two', 'three']);
    expect(wrapText('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    for (const line of wrapText('云端 资源 of a cloud', 6)) expect(widthOf(line)).toBeLessThanOrEqual(6);
  });
});
