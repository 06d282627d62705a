import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Wake } from '../../src/lib/wake.ts';

const never = new AbortController().signal;
const hour = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What the wait has answered by now. */
async function peek(wait: Promise<boolean>): Promise<boolean | 'still waiting'> {
  await vi.advanceTimersByTimeAsync(0);
  return Promise.race([wait, Promise.resolve('still waiting' as const)]);
}

describe('a wait', () => {
  test('ends with true when the bell rings', async () => {
    const wake = new Wake();
    const wait = wake.wait(hour, never);
    expect(await peek(wait)).toBe('still waiting');
    wake.ring();
    expect(await wait).toBe(true);
  });

  test('ends with false when its time has passed, and not before', async () => {
    const wait = new Wake().wait(1_000, never);
    await vi.advanceTimersByTimeAsync(999);
    expect(await peek(wait)).toBe('still waiting');
    await vi.advanceTimersByTimeAsync(1);
    expect(await wait).toBe(false);
  });

  test('ends with false when it is aborted', async () => {
    const stopping = new AbortController();
    const wait = new Wake().wait(hour, stopping.signal);
    stopping.abort();
    expect(await wait).toBe(false);
  });

  test('does not begin when it was aborted before', async () => {
    expect(await new Wake().wait(hour, AbortSignal.abort())).toBe(false);
  });

  test('does not begin when the bell has rung since the last one', async () => {
    const wake = new Wake();
    wake.ring();
    expect(await wake.wait(hour, never)).toBe(true);
  });
});

test('rings between two waits are remembered as one', async () => {
  const wake = new Wake();
  for (let ring = 0; ring < 3; ring++) wake.ring();
  expect(await wake.wait(hour, never)).toBe(true);
  const second = wake.wait(1_000, never);
  expect(await peek(second)).toBe('still waiting');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await second).toBe(false);
});

test('a ring just after the time has passed is not lost: the next wait answers at once', async () => {
  const wake = new Wake();
  const first = wake.wait(1_000, never);
  await vi.advanceTimersByTimeAsync(1_000);
  await first;
  wake.ring();
  expect(await wake.wait(hour, never)).toBe(true);
});

test('a ring between the end of a wait and its answer is kept, in this answer or for the next', async () => {
  const wake = new Wake();
  const stopping = new AbortController();
  const first = wake.wait(hour, stopping.signal);
  stopping.abort();
  wake.ring();
  const answers = [await first, await wake.wait(0, AbortSignal.abort())];
  expect(answers.filter(Boolean)).toHaveLength(1);
});

test('a wait leaves neither a timer nor a listener behind', async () => {
  const wake = new Wake();
  const stopping = new AbortController();
  const added = vi.spyOn(stopping.signal, 'addEventListener');
  const options = () => added.mock.calls.map(([, , given]) => given as AddEventListenerOptions);
  for (let wait = 0; wait < 50; wait++) {
    const waiting = wake.wait(hour, stopping.signal);
    wake.ring();
    expect(await waiting).toBe(true);
  }
  expect(vi.getTimerCount()).toBe(0);
  expect(options()).toHaveLength(50);
  expect(options().every(({ signal }) => signal?.aborted)).toBe(true);
});

test('the bell can be handed out as a callback', async () => {
  const { ring } = new Wake();
  expect(() => ring()).not.toThrow();
  const wake = new Wake();
  const handedOut = wake.ring;
  handedOut();
  expect(await wake.wait(hour, never)).toBe(true);
});
