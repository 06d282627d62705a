import type { Redis } from 'ioredis';
import { listRedisHosts, readRedisAddress } from '../../lib/redis-address.ts';
import type { MarkedStore } from '../../ops/installation/pairing.ts';
import { askSale } from './ask-sale.ts';
import { createScript } from './script.ts';

const answerDeadlineMs = 5_000;
export const redisMarkKey = 'weir:installation';

const readMark = createScript(`
local clock = redis.call('TIME')
local mark = redis.call('HMGET', KEYS[1], 'installation', 'store', 'database', 'seenMs')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
return {mark[1], mark[2], mark[3], tostring(now - (tonumber(mark[4]) or 0))}
`);

const writeMark = createScript(`
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[1], 'installation', ARGV[1], 'store', ARGV[2], 'database', ARGV[3], 'seenMs', string.format('%d', now))
return 1
`);

/** Redis as a store that carries the mark of its installation, in the hash `weir:installation`. */
export function redisMarkedStore(redis: Redis, addr: string): MarkedStore {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);
  return {
    kind: 'REDIS',
    name: 'Redis',
    address: describeAddress(addr),
    async readMark() {
      const [installation, store, database, seenAgoMs] = await ask<(string | null)[]>(
        readMark(redis, [redisMarkKey]),
      );
      if (!installation || !store) return undefined;
      return { installation, store, database: database ?? '', seenAgoMs: Number(seenAgoMs) };
    },
    async writeMark({ installation, store, database }) {
      await ask(writeMark(redis, [redisMarkKey], installation, store, database));
    },
  };
}

/** Host, port and database: each database of a Redis is a store of its own. */
function describeAddress(addr: string): string {
  const address = readRedisAddress(addr);
  const hosts = listRedisHosts(addr).join(',');
  if (address.kind === 'cluster') return hosts;
  if (address.kind === 'sentinel') return `${address.primary} of ${hosts}/${address.db}`;
  return `${hosts}/${new URL(address.url).pathname.replace('/', '') || '0'}`;
}
