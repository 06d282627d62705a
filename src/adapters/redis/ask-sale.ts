import type { Redis } from 'ioredis';
import { WeirError } from '../../errors.ts';
import { withDeadline } from './connect.ts';
import { classifyRefusal } from './refusal.ts';

/** @throws WeirError STORE_UNAVAILABLE: a request with the same key finds out the outcome */
export async function askSale<T>(redis: Redis, deadlineMs: number, reply: Promise<unknown>): Promise<T> {
  try {
    return await withDeadline(redis, deadlineMs, reply as Promise<T>);
  } catch (error) {
    throw toStoreUnavailable(error);
  }
}

/** Keeps the text of Redis: "Redis refuses writes: OOM …". */
export function toStoreUnavailable(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const message = classifyRefusal(error)?.message ?? 'Redis does not answer';
  return new WeirError('STORE_UNAVAILABLE', message, { cause: error });
}
