import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { pollUntil } from './poll-until.ts';
import type { RunningWeir } from './weir.ts';

export interface Paying {
  /** Instance ids by order, of the payments that were answered 201 or 200. */
  paid: ReadonlyMap<string, string>;
  /** Answers by status; 0: none. */
  answers: ReadonlyMap<number, number>;
  /** When the last payment was answered, and after which wait of all callers. */
  longestSilenceMs(sinceMs: number): number;
  /** Waits until this many more payments were answered. */
  waitForMore(count: number, deadlineMs: number): Promise<void>;
  stop(): Promise<void>;
}

const callers = 4;
const betweenMs = 5;

/**
 * A payment provider: some callers report one payment after the other and repeat each until it is answered 2xx, at most
 * twice a second. A repeat with another instance id fails the test.
 */
export function startPaying(weir: RunningWeir, productId = '1001'): Paying {
  const paid = new Map<string, string>();
  const answers = new Map<number, number>();
  const answeredAtMs: number[] = [];
  const stopping = new AbortController();
  let next = 0;

  async function report(order: string): Promise<void> {
    const body = { productId, userId: '7' };
    const answer = await weir.request('POST', `/v1/orders/${order}/paid`, body).catch(() => undefined);
    const status = answer?.status ?? 0;
    answers.set(status, (answers.get(status) ?? 0) + 1);
    if (status !== 200 && status !== 201) {
      await pause(500, undefined, { signal: stopping.signal }).catch(() => {});
      return;
    }
    answeredAtMs.push(Date.now());
    paid.set(order, String(answer?.body.instanceId));
  }

  async function call(): Promise<void> {
    while (!stopping.signal.aborted) {
      const order = `PAY${next++}`;
      while (!paid.has(order) && !stopping.signal.aborted) await report(order);
      await pause(betweenMs);
    }
  }

  const running = Promise.all(Array.from({ length: callers }, call));
  const stop = async () => {
    stopping.abort();
    await running;
  };
  onTestFinished(stop);
  return {
    paid,
    answers,
    longestSilenceMs: (sinceMs) => longestGap([...answeredAtMs, Date.now()], sinceMs),
    async waitForMore(count, deadlineMs) {
      const goal = paid.size + count;
      await pollUntil(`${goal} payments to be answered`, deadlineMs, async () =>
        expect(paid.size, `answers ${JSON.stringify([...answers])}`).toBeGreaterThanOrEqual(goal),
      );
    },
    stop,
  };
}

/** The longest time between two of these moments, in order, that ends after `sinceMs`. */
export function longestGap(momentsMs: readonly number[], sinceMs: number): number {
  let longest = 0;
  momentsMs.forEach((moment, i) => {
    if (moment > sinceMs)
      longest = Math.max(longest, moment - Math.max(sinceMs, momentsMs[i - 1] ?? sinceMs));
  });
  return longest;
}
