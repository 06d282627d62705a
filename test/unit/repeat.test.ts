import { describe, expect, test } from 'vitest';
import { createDeferred } from '../../src/lib/deferred.ts';
import { shareInFlight } from '../../src/lib/gather.ts';
import { repeatEvery, retryTransient } from '../../src/lib/repeat.ts';

const retry = { firstMs: 1, maxMs: 2 };

describe('work that is repeated', () => {
  test('repeated work continues after a failure, counts failures, and can be stopped', async () => {
    const stop = new AbortController();
    const failures: number[] = [];
    let runs = 0;
    await repeatEvery(
      { everyMs: 1, retry, onFailure: (_, attempt) => failures.push(attempt) },
      async () => {
        runs++;
        if (runs === 2 || runs === 3 || runs === 5) throw new Error('once more');
        if (runs === 6) stop.abort();
      },
      stop.signal,
    );
    expect(runs).toBe(6);
    expect(failures).toEqual([1, 2, 1]);
  });

  test('repeated work is not begun when it is stopped already', async () => {
    let runs = 0;
    const work = async () => {
      runs++;
    };
    await repeatEvery({ everyMs: 1, retry, onFailure() {} }, work, AbortSignal.abort());
    expect(runs).toBe(0);
  });
});

describe('work that may fail for a moment', () => {
  const failing = (times: number) => {
    let runs = 0;
    return async () => {
      if (runs++ < times) throw new Error(`failure ${runs}`);
      return runs;
    };
  };

  test('work is tried again, and its result is the answer', async () => {
    expect(await retryTransient(failing(2), () => true, { retry })).toBe(3);
  });

  test('work is given up after so many attempts, with the last failure', async () => {
    await expect(retryTransient(failing(5), () => true, { maxAttempts: 3, retry })).rejects.toThrow(
      'failure 3',
    );
  });

  test('work is not tried again when the failure will not pass', async () => {
    await expect(retryTransient(failing(1), () => false, { retry })).rejects.toThrow('failure 1');
  });
});

describe('an answer that is on its way', () => {
  test('an answer is shared by calls with the same argument meanwhile, and by none after', async () => {
    const answers = [createDeferred<number>(), createDeferred<number>(), createDeferred<number>()];
    const asked: string[] = [];
    const ask = shareInFlight((what: string) => {
      asked.push(what);
      return (answers[asked.length - 1] as (typeof answers)[number]).promise;
    });
    const [first, same, other] = [ask('a'), ask('a'), ask('b')];
    answers[0]?.resolve(1);
    answers[1]?.resolve(2);
    expect(await Promise.all([first, same, other])).toEqual([1, 1, 2]);
    const later = ask('a');
    answers[2]?.reject(new Error('away'));
    await expect(later).rejects.toThrow('away');
    expect(asked).toEqual(['a', 'b', 'a']);
  });
});
