import { stripVTControlCharacters } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { printFields, printTable } from '../../src/cli/output/table.ts';
import { widthOf } from '../../src/cli/output/text.ts';

const columns = [
  'INSTANCE',
  'STATUS',
  { title: 'SOURCE ID', rank: 1 },
  { title: 'USER', rank: 2 },
  { title: 'DETAIL', isProse: true },
];
const detail = 'the broker refused this message while it took others';
const rows = [
  ['250928148382744576', 'PROCESSING', '1764187200000-0', '9007199254740993', detail],
  ['250928148382744577', 'FAILED', '7', '8', ''],
];

/** `width` undefined: not on a terminal. */
function captureOn(width: number | undefined, print: () => void): string[] {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  const { isTTY, columns: before } = process.stdout;
  Object.assign(process.stdout, { isTTY: width !== undefined, columns: width });
  onTestFinished(() => {
    Object.assign(process.stdout, { isTTY, columns: before });
  });
  print();
  write.mockRestore();
  return stripVTControlCharacters(printed).trimEnd().split('\n');
}

const printOn = (width?: number, options?: { whole: boolean }) =>
  captureOn(width, () => printTable(columns, rows, options));

test('a table in a pipe keeps every column in full, without trailing blanks', () => {
  const lines = printOn();
  expect(lines[1]).toBe(`250928148382744576  PROCESSING  1764187200000-0  9007199254740993  ${detail}`);
  for (const line of [...lines, ...printOn(200)]) expect(line).not.toMatch(/ $/);
});

describe('on a narrow terminal', () => {
  test('a table leaves out columns by rank and names them before it cuts a value', () => {
    const [head, first, , note] = printOn(80);
    expect(head).toBe('INSTANCE            STATUS      SOURCE ID        DETAIL');
    expect(first).toBe('250928148382744576  PROCESSING  1764187200000-0  the broker refused this messag…');
    expect(note).toBe('No room for USER: enlarge the terminal, or use --json.');
    expect(printOn(60)[1]).toBe('250928148382744576  PROCESSING  the broker refused this mes…');
  });

  test('a table is no wider than the terminal and never cuts what names the row', () => {
    for (const width of [120, 80, 60, 52, 40]) {
      const lines = printOn(width).filter((line) => !line.startsWith('No room'));
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
      expect(lines[1]).toContain('250928148382744576');
    }
  });

  test('a table that shows everything continues its prose on the next line', () => {
    const lines = printOn(60, { whole: true }).slice(0, -2);
    expect(lines.slice(1).map((line) => line.slice(32).trim())).toEqual([
      'the broker refused this',
      'message while it took others',
    ]);
  });
});

test.each([
  ['Chinese', '云服务器云服务器云服务器'],
  ['emoji', '🚀🚀🚀🚀🚀🚀👩‍👩‍👧🚀🚀🚀🚀🚀'],
  ['combining accents', 'e\u0301'.repeat(12)],
])('columns stay aligned and within the terminal around %s', (_, name) => {
  const table = (width?: number) =>
    captureOn(width, () =>
      printTable(
        [{ title: 'NAME', isProse: true }, 'PRICE'],
        [
          [name, 'first'],
          ['plain', 'second'],
        ],
      ),
    );
  const offsets = (lines: string[]) =>
    [/PRICE/, /first/, /second/].map((word, line) => widthOf(lines[line]?.split(word)[0] ?? ''));
  expect(new Set(offsets(table())).size).toBe(1);
  const narrow = table(18);
  expect(new Set(offsets(narrow)).size).toBe(1);
  for (const line of narrow) expect(widthOf(line)).toBeLessThanOrEqual(18);
});

test('a cell shows its control characters, keeps its line and stays aligned', () => {
  const forged = 'bad\n250928148382744578  SUCCESS\x1b[2J\u009b1m\u202e';
  const lines = captureOn(undefined, () =>
    printTable(
      ['REASON', 'BY'],
      [
        [forged, 'me'],
        [{ style: 'red', text: 'a\x1b[31m' }, 'you'],
      ],
    ),
  );
  const shown = String.raw`bad\n250928148382744578  SUCCESS\x1b[2J\x9b1m\u202e`;
  expect(lines).toEqual([
    `${'REASON'.padEnd(shown.length)}  BY`,
    `${shown}  me`,
    `${String.raw`a\x1b[31m`.padEnd(shown.length)}  you`,
  ]);
  const fields = captureOn(undefined, () =>
    printFields([
      ['detail', 'a\nb'],
      ['by', 'me'],
    ]),
  );
  expect(fields).toEqual([String.raw`detail  a\nb`, 'by      me']);
});
