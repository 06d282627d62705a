import { expect, test } from 'vitest';
import { ConcurrencyLimit } from '../../src/lib/concurrency-limit.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { KeyedConcurrencyLimit } from '../../src/lib/keyed-concurrency-limit.ts';

const refuse = () => new Error('full');

test('work beyond the bound is refused at once, and runs when other work has ended', async () => {
  const limit = new ConcurrencyLimit(2, refuse);
  const [first, second] = [createDeferred<string>(), createDeferred<string>()];
  const running = [limit.run(() => first.promise), limit.run(() => second.promise)];
  await expect(limit.run(async () => 'third')).rejects.toThrow('full');
  first.resolve('done');
  second.reject(new Error('failed'));
  expect((await Promise.allSettled(running)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  expect(limit.running).toBe(0);
  expect(await limit.run(async () => 'third')).toBe('third');
});

test('work of one key is bounded by itself', async () => {
  const limit = new KeyedConcurrencyLimit<bigint>(1, refuse);
  const held = createDeferred<string>();
  const running = limit.run(501n, () => held.promise);
  await expect(limit.run(501n, async () => 'more')).rejects.toThrow('full');
  expect(await limit.run(502n, async () => 'another')).toBe('another');
  held.resolve('done');
  await running;
  expect(await limit.run(501n, async () => 'again')).toBe('again');
});
