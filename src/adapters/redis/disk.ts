import type { Redis } from 'ioredis';
import { gather } from '../../lib/gather.ts';
import { toStoreUnavailable } from './ask-sale.ts';
import { withDeadline } from './connect.ts';
import { RefusedError } from './refusal.ts';
import { usualTag } from './sale-keys.ts';

export interface Disk {
  /**
   * Resolves when everything that Redis held at the call is on its disk, or on a replica, whichever connection wrote it.
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

/**
 * WAITAOF waits only for writes of its own connection, so for a repeat, which writes nothing, or for another
 * replica's entry it would return immediately. Therefore each wait begins with a write of its own: the
 * append-only file is ordered, so that write comes after everything written before. A separate connection is
 * used because WAITAOF blocks the commands sent after it.
 */
export function createDisk(
  redis: Redis,
  awaits: 'fsync' | 'replica' = 'fsync',
  tag: () => string = () => usualTag,
): Disk {
  let isProven = false;
  const syncMany = gather(
    async (waiting: undefined[]) => {
      try {
        await (awaits === 'fsync' ? syncOnce : replicateOnce)(redis, `${tag()}:disk`);
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
      if (isProven && awaits === 'fsync')
        await withDeadline(probe, answerDeadlineMs, probe.call('WAITAOF', 1, 0, 1));
      else await sync();
    },
  };
}

async function syncOnce(redis: Redis, key: string): Promise<void> {
  const both = redis.pipeline().hset(key, 'synced', 1).call('WAITAOF', 1, 0, waitMs).exec();
  await withDeadline(redis, answerDeadlineMs, readOnDisk(both));
}

/** WAIT counts the replicas that have everything up to this write; replication is in order as well. */
async function replicateOnce(redis: Redis, key: string): Promise<void> {
  const both = redis.pipeline().hset(key, 'synced', 1).call('WAIT', 1, waitMs).exec();
  const replicas = Number(await withDeadline(redis, answerDeadlineMs, readLast(both)));
  if (replicas < 1) throw new RefusedError('NOREPLICAS', `no replica had it within ${waitMs} ms`);
}

type Replies = [error: Error | null, reply: unknown][] | null;

async function readOnDisk(replies: Promise<Replies>): Promise<void> {
  const [local = 0] = ((await readLast(replies)) ?? []) as number[];
  if (local < 1) throw new RefusedError('NOFSYNC', `no write to disk within ${waitMs} ms`);
}

async function readLast(replies: Promise<Replies>): Promise<unknown> {
  const [written, waited] = (await replies) ?? [];
  const error = written?.[0] ?? waited?.[0];
  if (error) throw error;
  return waited?.[1];
}
