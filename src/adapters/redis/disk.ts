import type { Redis } from 'ioredis';
import { gather } from '../../lib/gather.ts';
import { toStoreUnavailable } from './ask-sale.ts';
import { withDeadline } from './connect.ts';
import { RefusedError } from './refusal.ts';

export interface Disk {
  /**
   * Resolves when everything that Redis held at the call is on its disk, whichever connection wrote it.
   *
   * @throws WeirError STORE_UNAVAILABLE: not in time, or this Redis cannot confirm it
   */
  sync(): Promise<void>;
  /**
   * Resolves immediately while the last `sync` succeeded, otherwise does the same as `sync`: nothing may be
   * sold that cannot be confirmed.
   */
  require(): Promise<void>;
  /** For the periodic health check, on its connection. @throws the error of Redis */
  check(probe: Redis): Promise<void>;
}

/** Below the deadline of an answer, so that the reply of Redis arrives in time. */
const waitMs = 1_800;
const answerDeadlineMs = 2_500;

/** Matches the keys that an ACL for sales has to allow anyway. No product has the id 0. */
const diskKey = '{stream:seckill:0}:disk';

/**
 * WAITAOF waits only for writes of its own connection, so for a repeat, which writes nothing, or for another
 * replica's entry it would return immediately. Therefore each wait begins with a write of its own: the
 * append-only file is ordered, so that write comes after everything written before. A separate connection is
 * used because WAITAOF blocks the commands sent after it.
 */
export function createDisk(redis: Redis): Disk {
  let isProven = false;
  const syncMany = gather(
    async (waiting: undefined[]) => {
      try {
        await syncOnce(redis);
        isProven = true;
        return waiting;
      } catch (error) {
        isProven = false;
        throw toStoreUnavailable(error);
      }
    },
    { maxItems: Number.POSITIVE_INFINITY, maxInFlight: 1 },
  );
  const sync = async () => syncMany(undefined);
  return {
    sync,
    async require() {
      if (!isProven) await sync();
    },
    async check(probe) {
      if (isProven) await withDeadline(probe, answerDeadlineMs, probe.call('WAITAOF', 1, 0, 1));
      else await sync();
    },
  };
}

async function syncOnce(redis: Redis): Promise<void> {
  const both = redis.pipeline().hset(diskKey, 'synced', 1).call('WAITAOF', 1, 0, waitMs).exec();
  await withDeadline(redis, answerDeadlineMs, readOnDisk(both));
}

type Replies = [error: Error | null, reply: unknown][] | null;

async function readOnDisk(replies: Promise<Replies>): Promise<void> {
  const [written, waited] = (await replies) ?? [];
  const error = written?.[0] ?? waited?.[0];
  if (error) throw error;
  const [local = 0] = (waited?.[1] ?? []) as number[];
  if (local < 1) throw new RefusedError('NOFSYNC', `no write to disk within ${waitMs} ms`);
}
