import { expect, test, vi } from 'vitest';
import { printJson, printLine, printText } from '../../src/cli/output/output.ts';
import { readSourceFiles } from './source-files.ts';

function capture(print: () => void): string {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  print();
  write.mockRestore();
  return printed;
}

test('no command writes to the terminal past the place that escapes characters', () => {
  const byItself = /process\.std(?:out|err)\.write|process\[.*\]\.write|console\.|styleText/;
  const found = readSourceFiles()
    .filter(({ path, text }) => path.startsWith('cli/') && byItself.test(text))
    .map(({ path }) => path);
  expect(found.sort()).toEqual(['cli/output/live-screen.ts', 'cli/output/output.ts', 'cli/output/text.ts']);
});

test('a printed line stays one line and shows every control character in it', () => {
  const forged = 'sold out\nweir: all is well\r\x1b]0;title\x07\u009b2J\u202e\u200b';
  expect(capture(() => printLine('detail: ', forged))).toBe(
    `${String.raw`detail: sold out\nweir: all is well\r\x1b]0;title\x07\x9b2J\u202e\u200b`}\n`,
  );
  expect(capture(() => printText('two\nlines \x1b[2J\n'))).toBe('two\nlines \\x1b[2J\n');
});

test('JSON output carries every value exactly and no raw control character', () => {
  const value = { reason: 'a\x1b[2J\u007f\u009b\u202e\u2028\u200b\n云🚀\ud800\u{e0041}' };
  const printed = capture(() => printJson(value));
  expect(JSON.parse(printed)).toEqual(value);
  expect(printed.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});
