import type { Redis } from 'ioredis';
import { keepAnswer } from '../lib/keep-answer.ts';
import type { Backlog } from '../watch/now.ts';
import { withDeadline } from './connect.ts';
import { readStreamBacklog } from './scripts.ts';
import { listStreams } from './stream-readings.ts';

const group = 'weir';
/** Whoever looks at the page waits no longer for a Redis that hangs. */
const answerDeadlineMs = 2_000;
/** The list goes through all keys of Redis, a thousand at a time. */
const listedForMs = 10_000;
const listingShareOfTime = 0.02;

/** Entries of every seckill stream that are not acknowledged, and when the oldest was added: its id says so. */
export function redisStreamBacklog(redis: Redis): () => Promise<Backlog> {
  const list = keepAnswer(() => listStreams(redis), { forMs: listedForMs, shareOfTime: listingShareOfTime });
  return async () => {
    let count: number | null = 0;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const stream of await list()) {
      const reply = redis.eval(readStreamBacklog, 1, stream, group) as Promise<[number, string]>;
      const [waiting, oldest] = await withDeadline(redis, answerDeadlineMs, reply);
      count = waiting < 0 || count === null ? null : count + waiting;
      if (oldest !== '') oldestMs = Math.min(oldestMs, Number(oldest.split('-')[0]));
    }
    return { count, oldestAt: Number.isFinite(oldestMs) ? new Date(oldestMs) : null };
  };
}
