import { describe, expect, test } from 'vitest';
import { watchCaughtUp } from '../../src/core/results/caught-up.ts';

/** One call for each reading. */
async function ask(...readings: [waiting: number, finished: number][]): Promise<boolean[]> {
  let next = 0;
  const hasCaughtUp = watchCaughtUp(async () => {
    const [waiting, finished] = readings[next++] as [number, number];
    return { waiting, finished };
  });
  const answers: boolean[] = [];
  for (const _ of readings) answers.push(await hasCaughtUp());
  return answers;
}

describe('the results have caught up', () => {
  test('the results have caught up when nothing waits', async () => {
    expect(await ask([0, 0])).toEqual([true]);
  });

  test('the results have caught up when what waited at the last question is settled', async () => {
    expect(await ask([100, 0], [100, 60], [100, 100], [100, 150], [100, 200])).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test('the results have not caught up while nothing is settled', async () => {
    expect(await ask([5, 10], [5, 10], [900, 10])).toEqual([false, false, false]);
  });
});
