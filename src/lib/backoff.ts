import { setTimeout as delay } from 'node:timers/promises';

export interface BackoffOptions {
  firstMs: number;
  maxMs: number;
}

/**
 * Equal jitter: between half and all of an exponentially growing ceiling. `attempt` counts from 1, the result
 * is in ms.
 */
export function backoffMs(attempt: number, { firstMs, maxMs }: BackoffOptions, random = Math.random): number {
  const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** The longest timer of Node, 24.8 days. A longer one would fire immediately. */
const longestMs = 2 ** 31 - 1;

/** Resolves after `ms` (at most 24.8 days), or immediately when `signal` aborts; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.min(ms, longestMs), undefined, signal ? { signal } : {}).catch(() => {});
}
