import { expect } from 'vitest';

/** One line for a person, nothing of where in our code it happened. */
export function expectOneSentence(stderr: string): void {
  const said = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/^weir: \S.*/);
}
