import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TokenBuckets } from '../../src/lib/token-buckets.ts';

function createBuckets(options: { perSecond: number; burst: number; maxKeys?: number }) {
  let now = 1_000;
  const buckets = new TokenBuckets(options, () => now);
  return {
    take: (key = 'a') => buckets.take(key),
    passMs(ms: number) {
      now += ms;
    },
  };
}

describe('a token bucket', () => {
  test('a token bucket gives its burst at once, then the time of the next token', () => {
    const { take, passMs } = createBuckets({ perSecond: 10, burst: 3 });
    expect([take(), take(), take()]).toEqual([0, 0, 0]);
    expect(take()).toBeCloseTo(100);
    passMs(60);
    expect(take()).toBeCloseTo(40);
    passMs(40);
    expect(take()).toBe(0);
    expect(take()).toBeGreaterThan(0);
  });

  test('a token bucket is one for each key', () => {
    const { take } = createBuckets({ perSecond: 1, burst: 1 });
    expect([take('a'), take('b')]).toEqual([0, 0]);
    expect(take('a')).toBeGreaterThan(0);
  });

  test('a token bucket is full again after as long as it takes to fill, and no fuller', () => {
    const { take, passMs } = createBuckets({ perSecond: 10, burst: 2 });
    take();
    take();
    passMs(3_600_000);
    expect([take(), take()]).toEqual([0, 0]);
    expect(take()).toBeGreaterThan(0);
  });

  test('a bucket without a rate limits no caller', () => {
    const { take } = createBuckets({ perSecond: 0, burst: 1 });
    expect(Array.from({ length: 50 }, () => take())).toEqual(Array(50).fill(0));
  });

  test('a token bucket evicts the longest unused, never one in use', () => {
    const { take } = createBuckets({ perSecond: 1, burst: 1, maxKeys: 10 });
    for (let i = 0; i < 25; i++) {
      take('busy');
      take(`${i}`);
    }
    expect(take('24')).toBeGreaterThan(0);
    expect(take('0')).toBe(0);
  });

  test('a bucket that a flood of keys made forgotten is not full again', () => {
    const { take, passMs } = createBuckets({ perSecond: 1, burst: 5, maxKeys: 10 });
    for (let i = 0; i < 5; i++) take('greedy');
    expect(take('greedy')).toBeGreaterThan(0);
    for (let i = 0; i < 40; i++) take(`flood ${i}`);
    expect([take('greedy'), take('greedy') > 0]).toEqual([0, true]);
    expect([take('honest'), take('honest') > 0]).toEqual([0, true]);
    passMs(1_000);
    expect(take('honest')).toBe(0);
    passMs(10_000);
    expect(['late', 'late', 'late', 'late', 'late'].map(take)).toEqual([0, 0, 0, 0, 0]);
  });

  test('burst + rate × time pass at most, and a caller that waits is not refused twice', () => {
    const steps = fc.array(fc.record({ waitMs: fc.nat(2_000), tries: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        steps,
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        (run, perSecond, burst) => {
          const { take, passMs } = createBuckets({ perSecond, burst });
          let taken = 0;
          let passedMs = 0;
          for (const { waitMs, tries } of run) {
            passMs(waitMs);
            passedMs += waitMs;
            for (let i = 0; i < tries; i++) {
              const toldMs = take();
              if (toldMs === 0) taken++;
              else {
                passMs(toldMs);
                passedMs += toldMs;
                expect(take()).toBe(0);
                taken++;
              }
            }
          }
          expect(taken).toBeLessThanOrEqual(burst + (perSecond * passedMs) / 1000 + 1e-6);
        },
      ),
    );
  });
});
