import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDeferred } from '../../src/lib/deferred.ts';
import { Lifecycle } from '../../src/lib/lifecycle.ts';

function createLifecycle(releaseDeadlineMs = 60_000) {
  const hung: string[] = [];
  const failures: { name: string; error: unknown }[] = [];
  const lifecycle = new Lifecycle({
    releaseDeadlineMs,
    onHang: (name) => hung.push(name),
    onFailure: (name, error) => failures.push({ name, error }),
  });
  return { lifecycle, hung, failures };
}

test('what was opened last is released first, and each waits for the one before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 12 }), async (slow) => {
      const { lifecycle, hung, failures } = createLifecycle();
      const told: string[] = [];
      slow.forEach((isSlow, i) => {
        lifecycle.defer(`part ${i}`, async () => {
          told.push(`${i} begins`);
          if (isSlow) await new Promise((resolve) => setImmediate(resolve));
          told.push(`${i} ends`);
        });
      });
      await lifecycle.close();
      expect(told).toEqual(
        slow
          .flatMap((_, i) => [`${i} begins`, `${i} ends`])
          .reverse()
          .map(swapWords),
      );
      expect([hung, failures]).toEqual([[], []]);
    }),
    { numRuns: 50 },
  );
});

test('a release that hangs is named and passed over', async () => {
  const { lifecycle, hung, failures } = createLifecycle(5);
  const released: string[] = [];
  lifecycle.defer('database', () => void released.push('database'));
  lifecycle.defer('relay', () => new Promise(() => {}));
  lifecycle.defer('http', () => void released.push('http'));
  await lifecycle.close();
  expect(hung).toEqual(['relay']);
  expect(released).toEqual(['http', 'database']);
  expect(failures).toEqual([]);
});

test.each([
  ['rejects', async () => Promise.reject(new Error('no'))],
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
])('a release that %s is reported, and the others go on', async (_, release) => {
  const { lifecycle, hung, failures } = createLifecycle();
  const released: string[] = [];
  lifecycle.defer('database', () => void released.push('database'));
  lifecycle.defer('relay', release);
  await lifecycle.close();
  expect(failures).toEqual([{ name: 'relay', error: new Error('no') }]);
  expect(released).toEqual(['database']);
  expect(hung).toEqual([]);
});

test('a release that fails after its deadline does no harm', async () => {
  const { lifecycle, hung, failures } = createLifecycle(5);
  const { promise, reject } = createDeferred<void>();
  lifecycle.defer('relay', () => promise);
  await lifecycle.close();
  // An unhandled rejection would fail this file.
  reject(new Error('too late'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(hung).toEqual(['relay']);
  expect(failures).toEqual([]);
});

test('each part is released once, however often close is called', async () => {
  const { lifecycle } = createLifecycle();
  let released = 0;
  lifecycle.defer('database', () => void released++);
  await lifecycle.close();
  await lifecycle.close();
  expect(released).toBe(1);
});

test('what is deferred while closing is released as well', async () => {
  const { lifecycle } = createLifecycle();
  const released: string[] = [];
  lifecycle.defer('database', () => void released.push('database'));
  lifecycle.defer('http', () => {
    released.push('http');
    lifecycle.defer('socket', () => void released.push('socket'));
  });
  await lifecycle.close();
  expect(released).toEqual(['http', 'socket', 'database']);
});

test('nothing opened, nothing to wait for', async () => {
  await expect(createLifecycle().lifecycle.close()).resolves.toBeUndefined();
});

/** In a reversed list of begins and ends, the two words are swapped. */
function swapWords(line: string): string {
  return line.endsWith('begins') ? line.replace('begins', 'ends') : line.replace('ends', 'begins');
}
