import { Cluster, Redis } from 'ioredis';
import type { Bench } from '../bench.ts';

const entriesPerPipeline = 5000;

/** Of one server, or of a cluster. */
export type RedisClient = Redis | Cluster;

export async function connectToRedis(bench: Bench): Promise<RedisClient> {
  const redis = openClient(bench.addresses.redis);
  redis.on('error', () => {}); // the next command reports the error
  await redis.connect();
  bench.cleanup.add('connection to Redis', async () => redis.disconnect());
  return redis;
}

function openClient(address: string): RedisClient {
  const options = { connectTimeout: 5000, maxRetriesPerRequest: 0 };
  const cluster = /^redis\+cluster:\/\/(.+)$/.exec(address)?.[1];
  if (cluster === undefined)
    return new Redis(address, { ...options, lazyConnect: true, retryStrategy: () => null });
  const nodes = cluster.split(',').map((node) => `redis://${node}`);
  return new Cluster(nodes, { redisOptions: options, lazyConnect: true, clusterRetryStrategy: () => null });
}

/** Every server that has keys. */
function nodesOf(redis: RedisClient): Redis[] {
  return redis instanceof Cluster ? redis.nodes('master') : [redis];
}

/** Each measurement has a database of its own, which would refuse a Redis marked by the previous one. */
export async function forgetInstallation(bench: Bench): Promise<void> {
  const mark = bench.cleanup.mark();
  const redis = await connectToRedis(bench);
  await redis.unlink('weir:installation');
  await bench.cleanup.unwind(mark);
}

export function streamKey(productId: number): string {
  return `stream:seckill:${productId}`;
}

/**
 * Fills `key` with `count` purchases of users 1 to `count`. The key is removed at the end. Resolves with the
 * entries' ids.
 */
export async function fillStream(
  bench: Bench,
  redis: RedisClient,
  key: string,
  count: number,
): Promise<string[]> {
  bench.cleanup.add(`Redis key ${key}`, () => redis.unlink(key));
  const ts = String(Date.now());
  const ids: string[] = [];
  for (let first = 1; first <= count; first += entriesPerPipeline) {
    bench.signal.throwIfAborted();
    bench.progress.tick(`fill ${key}`, first, count);
    const pipeline = redis.pipeline();
    for (let user = first; user < first + entriesPerPipeline && user <= count; user += 1) {
      pipeline.xadd(key, '*', 'uid', String(user), 'ts', ts);
    }
    const replies = (await pipeline.exec()) ?? [];
    const failed = replies.find(([error]) => error !== null);
    if (failed?.[0]) throw failed[0];
    for (const [, id] of replies) ids.push(id as string);
  }
  return ids;
}

/** Removes every key that a program may have created for the stream of one of the bench's products. */
export async function removeProductKeys(redis: RedisClient, productId: number): Promise<void> {
  for (const key of await findKeys(redis, `*${productId}*`)) await redis.unlink(key);
}

/** Entries read and not yet acknowledged, over all groups; 0 when the stream does not exist. */
export async function countPending(redis: RedisClient, key: string): Promise<number> {
  if ((await redis.exists(key)) === 0) return 0;
  const groups = (await redis.xinfo('GROUPS', key)) as unknown[][];
  return groups.reduce((sum, group) => sum + Number(group[group.indexOf('pending') + 1]), 0);
}

export function listSeckillStreams(redis: RedisClient): Promise<string[]> {
  return findKeys(redis, '*stream:seckill:*');
}

async function findKeys(redis: RedisClient, match: string): Promise<string[]> {
  const found: string[] = [];
  for (const node of nodesOf(redis)) {
    for await (const keys of node.scanStream({ match, count: 1000 })) found.push(...keys);
  }
  return found;
}
