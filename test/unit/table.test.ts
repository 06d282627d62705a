import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { printTable } from '../../src/cli/table.ts';

const head = ['INSTANCE', 'STATUS', 'SOURCE ID', 'DETAIL'];
const detail = 'the broker refused this message while it took others';
const rows = [
  ['250928148382744576', 'PROCESSING', '1764187200000-0', detail],
  ['250928148382744577', 'FAILED', '7', ''],
];

/** `columns` undefined: not on a terminal. */
function printOn(columns: number | undefined, options?: { whole: boolean }): string[] {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  const { isTTY, columns: before } = process.stdout;
  Object.assign(process.stdout, { isTTY: columns !== undefined, columns });
  onTestFinished(() => {
    Object.assign(process.stdout, { isTTY, columns: before });
  });
  printTable(head, rows, options);
  write.mockRestore();
  return printed.trimEnd().split('\n');
}

test('nothing is cut where no person looks, and no line ends in blanks', () => {
  const lines = printOn(undefined);
  expect(lines[1]).toBe(`250928148382744576  PROCESSING  1764187200000-0  ${detail}`);
  for (const line of [...lines, ...printOn(200)]) expect(stripVTControlCharacters(line)).not.toMatch(/ $/);
});

test('on a narrow terminal the last column is cut first, then the widest, and never what names the row', () => {
  expect(printOn(80)[1]).toBe(
    '250928148382744576  PROCESSING  1764187200000-0  the broker refused this messag…',
  );
  expect(printOn(56)[1]).toBe('250928148382744576  PROCESSING  17641872000…  the broke…');
  for (const columns of [80, 60, 56]) {
    for (const line of printOn(columns).slice(1)) expect([...line].length).toBeLessThanOrEqual(columns);
  }
});

test('what shows one thing in full is not cut', () => {
  expect(printOn(40, { whole: true })[1]).toContain(detail);
});
