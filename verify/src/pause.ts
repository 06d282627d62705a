import { setTimeout as wait } from 'node:timers/promises';

/** Ends early, without an error, when the signal aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await wait(ms, undefined, signal ? { signal } : {}).catch(() => {});
}

/** 100 ms, doubled each time, at most a second; spread so that callers do not return all at once. */
export function backoffMs(attempt: number): number {
  const ceiling = Math.min(1_000, 50 * 2 ** attempt);
  return ceiling / 2 + (Math.random() * ceiling) / 2;
}

/** @throws Error once `ms` are over; what was asked for goes on unobserved */
export async function withDeadline<T>(what: string, ms: number, reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms);
  });
  reply.catch(() => {});
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}
