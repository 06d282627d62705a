import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDeferred, type Deferred } from '../../src/lib/deferred.ts';
import { gather } from '../../src/lib/gather.ts';

interface Batch {
  items: number[];
  end: Deferred<void>;
}

/** Work that ends when the test ends it; the result of each item is its tenfold. */
function createWork() {
  const batches: Batch[] = [];
  let inFlight = 0;
  const most = { inFlight: 0, items: 0 };
  return {
    batches,
    most,
    async work(items: number[]): Promise<number[]> {
      const batch = { items, end: createDeferred<void>() };
      batches.push(batch);
      most.inFlight = Math.max(most.inFlight, ++inFlight);
      most.items = Math.max(most.items, items.length);
      try {
        await batch.end.promise;
      } finally {
        inFlight--;
      }
      return items.map((item) => item * 10);
    },
  };
}

function end(batch: Batch | undefined): void {
  batch?.end.resolve();
}

/** Lets everything run that is ready to run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('one call alone starts at the end of its turn of the event loop', async () => {
  const { batches, work } = createWork();
  const call = gather(work, { maxItems: 10, maxInFlight: 2 });
  const answer = call(1);
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  end(batches[0]);
  expect(await answer).toBe(10);
});

test('calls of one turn of the event loop are one batch', async () => {
  const { batches, work } = createWork();
  const call = gather(work, { maxItems: 10, maxInFlight: 2 });
  const answers = [call(1), call(2), call(3)];
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  end(batches[0]);
  expect(await Promise.all(answers)).toEqual([10, 20, 30]);
});

test('calls during a running batch go into the next one', async () => {
  const { batches, work } = createWork();
  const call = gather(work, { maxItems: 10, maxInFlight: 1 });
  const answers = [call(1)];
  await settle();
  for (const item of [2, 3, 4]) {
    answers.push(call(item));
    await settle();
  }
  expect(batches.map(({ items }) => items)).toEqual([[1]]);
  end(batches[0]);
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
  end(batches[1]);
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40]);
});

test('at most maxInFlight batches run, and the next begins when any of them ends', async () => {
  const { batches, work } = createWork();
  const call = gather(work, { maxItems: 1, maxInFlight: 3 });
  const answers = [1, 2, 3, 4, 5].map(call);
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2], [3]]);
  end(batches[1]);
  await settle();
  expect(batches.map(({ items }) => items)).toEqual([[1], [2], [3], [4]]);
  for (const at of [0, 2, 3]) end(batches[at]);
  await settle();
  end(batches[4]);
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50]);
});

test('never more than maxItems are in one batch; the rest follows in order', async () => {
  const { batches, work } = createWork();
  const call = gather(work, { maxItems: 3, maxInFlight: 1 });
  const answers = [1, 2, 3, 4, 5, 6, 7].map(call);
  for (let batch = 0; batch < 3; batch++) {
    await settle();
    end(batches[batch]);
  }
  expect(await Promise.all(answers)).toEqual([10, 20, 30, 40, 50, 60, 70]);
  expect(batches.map(({ items }) => items)).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
});

describe('an error', () => {
  test('a failure reaches exactly the callers of its batch, and the next batch runs', async () => {
    const { batches, work } = createWork();
    const call = gather(work, { maxItems: 2, maxInFlight: 1 });
    const answers = Promise.allSettled([1, 2, 3, 4].map(call));
    await settle();
    const failure = new Error('the database is away');
    batches[0]?.end.reject(failure);
    await settle();
    end(batches[1]);
    expect(await answers).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
      { status: 'fulfilled', value: 30 },
      { status: 'fulfilled', value: 40 },
    ]);
  });

  test('an error thrown before the work has begun reaches its callers as well', async () => {
    let calls = 0;
    const call = gather<number, number>(
      (items) => {
        if (++calls === 1) throw new Error('at once');
        return Promise.resolve(items);
      },
      { maxItems: 1, maxInFlight: 1 },
    );
    const answers = await Promise.allSettled([call(1), call(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });
});

test('every caller gets the answer to its own item, whatever fails', async () => {
  const options = fc.record({
    maxItems: fc.integer({ min: 1, max: 5 }),
    maxInFlight: fc.integer({ min: 1, max: 4 }),
  });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('call' as const), count: fc.integer({ min: 1, max: 6 }) }),
    fc.record({ kind: fc.constant('settle' as const) }),
    fc.record({
      kind: fc.constant('end' as const),
      which: fc.nat({ max: 20 }),
      fails: fc.boolean(),
    }),
  );
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { maxLength: 30 }), async (limits, steps) => {
      const { batches, most, work } = createWork();
      const call = gather(work, limits);
      const answers: Promise<number>[] = [];
      const open = new Set<Batch>();
      const failed = new Set<Batch>();
      let seen = 0;
      const endOne = (which: number, fails: boolean) => {
        for (; seen < batches.length; seen++) open.add(batches[seen] as Batch);
        const batch = [...open][which % Math.max(1, open.size)];
        if (!batch) return;
        open.delete(batch);
        if (fails) {
          failed.add(batch);
          batch.end.reject(new Error(`batch of ${batch.items}`));
        } else batch.end.resolve();
      };

      for (const given of steps) {
        if (given.kind === 'call') {
          for (let i = 0; i < given.count; i++) {
            const answer = call(answers.length);
            answer.catch(() => {});
            answers.push(answer);
          }
        } else if (given.kind === 'end') endOne(given.which, given.fails);
        else await settle();
      }
      for (let rounds = 0; rounds <= answers.length; rounds++) {
        await settle();
        while (seen < batches.length || open.size > 0) endOne(0, false);
      }

      expect(most.inFlight).toBeLessThanOrEqual(limits.maxInFlight);
      expect(most.items).toBeLessThanOrEqual(limits.maxItems);
      // Every item was processed once, in the order of the calls.
      expect(batches.flatMap(({ items }) => items)).toEqual(answers.map((_, item) => item));
      const settled = await Promise.allSettled(answers);
      const failedItems = new Set([...failed].flatMap(({ items }) => items));
      settled.forEach((answer, item) => {
        if (failedItems.has(item)) expect(answer.status).toBe('rejected');
        else expect(answer).toEqual({ status: 'fulfilled', value: item * 10 });
      });
    }),
    { numRuns: 300 },
  );
});
