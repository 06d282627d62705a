import { expect } from 'vitest';

/** One line, without a stack or a path of the source code. */
export function expectOneSentence(stderr: string): void {
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^weir: \S.*/);
}
