import type { Redis } from 'ioredis';
import { WeirError } from '../errors.ts';
import { withDeadline } from './connect.ts';

/** @throws WeirError STORE_AWAY: a lost answer is found again by asking with the same key */
export async function askSale<T>(redis: Redis, deadlineMs: number, reply: Promise<unknown>): Promise<T> {
  try {
    return await withDeadline(redis, deadlineMs, reply as Promise<T>);
  } catch (error) {
    throw new WeirError('STORE_AWAY', 'Redis does not answer', { cause: error });
  }
}
