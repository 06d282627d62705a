import { expect, onTestFinished, test } from 'vitest';
import { LoopLag } from '../../src/lib/loop-lag.ts';
import { pollUntil } from '../support/poll-until.ts';

function openLag(): LoopLag {
  const lag = new LoopLag();
  onTestFinished(() => lag.close());
  return lag;
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('the first request behind a blocked event loop sees how late it is', () => {
  const lag = openLag();
  expect(lag.lateMs).toBeLessThan(20);
  block(300);
  expect(lag.lateMs).toBeGreaterThanOrEqual(200);
});

test('the lateness of a block ends with the next timely turn of the loop', async () => {
  const lag = openLag();
  block(300);
  await new Promise((resolve) => setImmediate(resolve));
  expect(lag.lateMs).toBeGreaterThanOrEqual(190);
  await pollUntil('the loop is on time', 5_000, async () => {
    if (lag.lateMs > 50) throw new Error(`${lag.lateMs} ms late`);
  });
});
