import type { Redis } from 'ioredis';
import { WeirError } from '../errors.ts';

/** Below the deadline of an answer, so that we hear of it. */
const waitMs = 1_800;

/** WAITAOF: what this connection has written so far is on the disk of Redis, not only in its memory. */
export function createDisk(redis: Redis) {
  let isKnown = false;
  return {
    /** @throws WeirError STORE_AWAY: it had not been written in time; ask again */
    async wait(): Promise<void> {
      const [local] = (await askDisk(redis, waitMs)) as [number, number];
      if (local < 1) throw new WeirError('STORE_AWAY', `Redis had not written to disk within ${waitMs} ms`);
    },

    /** @throws WeirError STORE_AWAY: this Redis has no WAITAOF or no appendonly file */
    async require(): Promise<void> {
      if (isKnown) return;
      await askDisk(redis, 1);
      isKnown = true;
    },
  };
}

async function askDisk(redis: Redis, timeoutMs: number): Promise<unknown> {
  try {
    return await redis.call('WAITAOF', 1, 0, timeoutMs);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WeirError(
      'STORE_AWAY',
      `sale.acknowledge is fsync, and Redis cannot say what is on disk: ${why}`,
      { cause: error },
    );
  }
}
