import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Signal } from '../../src/lib/signal.ts';

const never = new AbortController().signal;
const hour = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function isOver(wait: Promise<void>): Promise<boolean> {
  await vi.advanceTimersByTimeAsync(0);
  return Promise.race([wait.then(() => true), Promise.resolve().then(() => false)]);
}

describe('a wait', () => {
  test('a wait ends at the signal, and not before', async () => {
    const wake = new Signal();
    const wait = wake.wait(hour, never);
    expect(await isOver(wait)).toBe(false);
    wake.notify();
    expect(await isOver(wait)).toBe(true);
  });

  test('a wait ends when its time has passed, and not before', async () => {
    const wait = new Signal().wait(1_000, never);
    await vi.advanceTimersByTimeAsync(999);
    expect(await isOver(wait)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isOver(wait)).toBe(true);
  });

  test('a wait ends when it is aborted', async () => {
    const stopping = new AbortController();
    const wait = new Signal().wait(hour, stopping.signal);
    expect(await isOver(wait)).toBe(false);
    stopping.abort();
    expect(await isOver(wait)).toBe(true);
  });

  test('a wait does not begin when it was aborted before', async () => {
    expect(await isOver(new Signal().wait(hour, AbortSignal.abort()))).toBe(true);
  });

  test('a wait does not begin when a signal came before it', async () => {
    const wake = new Signal();
    wake.notify();
    expect(await isOver(wake.wait(hour, never))).toBe(true);
  });
});

test('one signal wakes all waiting loops, and none that waits later', async () => {
  const wake = new Signal();
  const waits = [wake.wait(hour, never), wake.wait(hour, never), wake.wait(hour, never)];
  expect(await Promise.all(waits.map(isOver))).toEqual([false, false, false]);
  wake.notify();
  expect(await Promise.all(waits.map(isOver))).toEqual([true, true, true]);
  expect(await isOver(wake.wait(hour, never))).toBe(false);
});

test('signals without a waiting loop are remembered as one', async () => {
  const wake = new Signal();
  for (let ring = 0; ring < 3; ring++) wake.notify();
  expect(await isOver(wake.wait(hour, never))).toBe(true);
  expect(await isOver(wake.wait(hour, never))).toBe(false);
});

test('a ring just after the time has passed is not lost: the next wait ends at once', async () => {
  const wake = new Signal();
  const first = wake.wait(1_000, never);
  await vi.advanceTimersByTimeAsync(1_000);
  await first;
  wake.notify();
  expect(await isOver(wake.wait(hour, never))).toBe(true);
});

test('one who gave up does not hear for the others', async () => {
  const wake = new Signal();
  const stopping = new AbortController();
  const first = wake.wait(hour, stopping.signal);
  const second = wake.wait(hour, never);
  stopping.abort();
  expect([await isOver(first), await isOver(second)]).toEqual([true, false]);
  wake.notify();
  expect(await isOver(second)).toBe(true);
});

test('a wait leaves neither a timer nor a listener behind, however it ends', async () => {
  const wake = new Signal();
  const stopping = new AbortController();
  const added = vi.spyOn(stopping.signal, 'addEventListener');
  const removed = vi.spyOn(stopping.signal, 'removeEventListener');
  for (let round = 0; round < 20; round++) {
    const rung = wake.wait(hour, stopping.signal);
    wake.notify();
    await rung;
    const late = wake.wait(10, stopping.signal);
    await vi.advanceTimersByTimeAsync(10);
    await late;
  }
  expect(vi.getTimerCount()).toBe(0);
  const listenersOf = (calls: unknown[][]) => calls.map(([event, listener]) => ({ event, listener }));
  expect(added.mock.calls).toHaveLength(40);
  expect(listenersOf(removed.mock.calls)).toEqual(listenersOf(added.mock.calls));
});

test('the bell can be handed out as a callback', async () => {
  const wake = new Signal();
  const { notify } = wake;
  notify();
  expect(await isOver(wake.wait(hour, never))).toBe(true);
});
