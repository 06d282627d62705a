import { expect, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Settled } from '../../src/core/results/classify-result.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { TakeResults } from '../../src/core/results/take-results.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { success } from '../support/parts.ts';

const bodies = [1n, 2n, 3n].map((id) => ({ body: encodeResult(success(id as InstanceId)) }));

/** Settles and parks as configured, and records what is reported. */
function createIntake(settle: (ids: InstanceId[]) => Settled[], park: () => Promise<void>) {
  const reported: Record<string, number>[] = [];
  const intake = new TakeResults({
    queue: undefined as never,
    settle: async (results) => settle(results.map(({ instanceId }) => instanceId)),
    park,
    isTransient: (error) => (error as Error).message === 'the database is unavailable',
    clock: systemClock,
    onSettled: (counts) => reported.push(Object.fromEntries(counts)),
    onParked() {},
    onFailure() {},
  });
  return { intake, reported };
}

test('settled results are reported though the commit that follows fails', async () => {
  const { intake, reported } = createIntake(
    (ids) => {
      if (ids.length > 1) throw new Error('a result that nobody expected');
      if (ids[0] === 3n) throw new Error('the database is unavailable');
      return ['applied'];
    },
    async () => {},
  );
  await expect(intake.take(bodies)).rejects.toThrow('unavailable');
  expect(reported).toEqual([{ applied: 1 }, { applied: 1 }]);
});

test('settled results are reported though others of the batch cannot be parked', async () => {
  const { intake, reported } = createIntake(
    (ids) => ids.map((id) => (id === 3n ? 'unknown' : 'applied')),
    () => Promise.reject(new Error('the database is unavailable')),
  );
  await expect(intake.take(bodies)).rejects.toThrow('unavailable');
  expect(reported).toEqual([{ applied: 2, unknown: 1 }]);
});
