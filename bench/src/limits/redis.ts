import type { Bench } from '../bench.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Subject } from '../rounds.ts';
import { connectToRedis, fillStream, type RedisClient } from '../stores/stream.ts';

const readAtATime = 500;
const buyersPerCall = 100;
const callsInFlight = 4;

/** Reads and acknowledges the stream, nothing else. */
export async function readAndAcknowledge(bench: Bench): Promise<Subject> {
  const redis = await connectToRedis(bench);
  const { count } = bench.options;
  const key = `weir:bench:${process.pid}:read`;
  return {
    name: 'Redis: read + acknowledge',
    note: `${readAtATime} entries a read, one connection`,
    async measure() {
      await fillStream(bench, redis, key, count);
      await redis.xgroup('CREATE', key, 'bench', '0');
      const before = takeCpuSnapshot();
      const startedAt = performance.now();
      for (let done = 0; done < count; ) {
        bench.signal.throwIfAborted();
        const ids = await readIds(redis, key);
        if (ids.length === 0) throw new Error(`the stream ended at ${done} of ${count} entries`);
        done += await redis.xack(key, 'bench', ...ids);
      }
      const seconds = (performance.now() - startedAt) / 1000;
      return { value: count / seconds, cpuMicrosPerItem: cpuPerItem(before, count) };
    },
  };
}

async function readIds(redis: RedisClient, key: string): Promise<string[]> {
  const reply = await redis.xreadgroup('GROUP', 'bench', 'one', 'COUNT', readAtATime, 'STREAMS', key, '>');
  const streams = (reply ?? []) as [string, [string, string[]][]][];
  return (streams[0]?.[1] ?? []).map(([id]) => id);
}

/**
 * The writes of a purchase in a sale without any checks: the entry, the unit, the buyer's count and last
 * entry, the list of buyers. One script runs at a time, on one core.
 */
const writesOfPurchases = `
local entries, units, counts, lasts = {}, {}, {}, {}
for i, user in ipairs(ARGV) do
  local entry = redis.call('XADD', KEYS[1], '*', 'uid', user, 'ts', '1764000000', 'unit', '1.' .. user .. '.1')
  units[#units + 1], units[#units + 2] = entry, '1:' .. user .. ':' .. i
  counts[#counts + 1], counts[#counts + 2] = user, 1
  lasts[#lasts + 1], lasts[#lasts + 2] = user, entry .. ' 1'
end
redis.call('HSET', KEYS[2], 'sold', #ARGV, 'remaining', #ARGV)
redis.call('HSET', KEYS[3], unpack(units))
redis.call('HSET', KEYS[4], unpack(counts))
redis.call('HSET', KEYS[5], unpack(lasts))
redis.call('RPUSH', KEYS[6], unpack(ARGV))
return #ARGV`;

export async function writePurchases(bench: Bench): Promise<Subject> {
  const redis = await connectToRedis(bench);
  const { count } = bench.options;
  const keys = ['stream', 'sale', 'units', 'counts', 'lasts', 'buyers'].map(
    (name) => `weir:bench:${process.pid}:{script}:${name}`,
  );
  const script = (await redis.script('LOAD', writesOfPurchases)) as string;
  return {
    name: 'Redis: the writes of a sale in one script',
    note: `${buyersPerCall} buyers a call, ${callsInFlight} calls in flight, one core`,
    async measure() {
      bench.cleanup.add('Redis keys of the script', () => redis.unlink(...keys));
      let next = 1;
      const callUntilDone = async () => {
        while (next <= count) {
          bench.signal.throwIfAborted();
          const first = next;
          next += buyersPerCall;
          const users = Array.from(
            { length: Math.min(buyersPerCall, count - first + 1) },
            (_, i) => first + i,
          );
          await redis.evalsha(script, keys.length, ...keys, ...users);
        }
      };
      const before = takeCpuSnapshot();
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: callsInFlight }, callUntilDone));
      const seconds = (performance.now() - startedAt) / 1000;
      const entries = await redis.xlen(keys[0] as string);
      if (entries !== count) throw new Error(`${entries} entries of ${count} purchases`);
      return { value: count / seconds, cpuMicrosPerItem: cpuPerItem(before, count) };
    },
  };
}
