import { setTimeout as delay } from 'node:timers/promises';

export interface BackoffOptions {
  firstMs: number;
  maxMs: number;
}

/** Full jitter over an exponentially growing ceiling: `attempt` counts from 1, the result is in ms. */
export function backoffMs(attempt: number, { firstMs, maxMs }: BackoffOptions, random = Math.random): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => {});
}
