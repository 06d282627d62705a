import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { backoffMs, pause } from '../../src/lib/backoff.ts';

const anyOptions = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 1_000 }))
  .map(([firstMs, times]) => ({ firstMs, maxMs: firstMs * times }));
const anyAttempt = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 31 }));
const anyChance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const options = { firstMs: 100, maxMs: 10_000 };

describe('the delay before the next attempt', () => {
  test('the delay before a retry is between half of the first and the longest', () => {
    fc.assert(
      fc.property(anyAttempt, anyOptions, anyChance, (attempt, given, chance) => {
        const ms = backoffMs(attempt, given, () => chance);
        expect(ms).toBeGreaterThanOrEqual(given.firstMs / 2);
        expect(ms).toBeLessThanOrEqual(given.maxMs);
      }),
      { numRuns: 1_000 },
    );
  });

  test('the delay before a retry never shrinks from one attempt to the next', () => {
    fc.assert(
      fc.property(anyAttempt, anyOptions, anyChance, (attempt, given, chance) => {
        const random = () => chance;
        expect(backoffMs(attempt + 1, given, random)).toBeGreaterThanOrEqual(
          backoffMs(attempt, given, random),
        );
      }),
    );
  });

  test('a backoff doubles until it reaches its maximum', () => {
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempt) => backoffMs(attempt, options, () => 1));
    expect(ceilings).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  test('a backoff spreads callers over its upper half', () => {
    expect(backoffMs(3, options, () => 0)).toBe(200);
    expect(backoffMs(3, options, () => 0.5)).toBe(300);
    const seen = new Set(Array.from({ length: 20 }, () => backoffMs(3, options)));
    expect(seen.size).toBeGreaterThan(1);
  });

  test('the delay before the next attempt stays finite after any number of attempts', () => {
    expect(backoffMs(Number.MAX_SAFE_INTEGER, options, () => 1)).toBe(options.maxMs);
  });
});

describe('a pause', () => {
  test('a pause lasts as long as requested', async () => {
    const before = performance.now();
    await pause(20);
    // Timers count whole milliseconds and may fire one early.
    expect(performance.now() - before).toBeGreaterThan(18);
  });

  test('a pause ends at once when it is aborted, without an error', async () => {
    const stopping = new AbortController();
    const paused = pause(3_600_000, stopping.signal);
    stopping.abort();
    await expect(paused).resolves.toBeUndefined();
  });

  test('a pause does not begin when it was aborted before', async () => {
    await expect(pause(3_600_000, AbortSignal.abort())).resolves.toBeUndefined();
  });
});

test('a pause longer than the longest timer of Node does not end at once', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error) => warnings.push(name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const stop = new AbortController();
  const paused = pause(2 ** 31, stop.signal);
  // Node warns on the next tick that it has cut the timer to a millisecond.
  await new Promise(setImmediate);
  expect(warnings).toEqual([]);
  stop.abort();
  await paused;
});
