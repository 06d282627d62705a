import type { Redis } from 'ioredis';
import { streamPrefix } from '../../core/triggers/seckill-key.ts';
import { withDeadline } from './connect.ts';
import type { RedisFinding } from './diagnose-redis.ts';
import { classifyRefusal } from './refusal.ts';
import { saleKeys, saleStreams } from './sale-keys.ts';
import { listSales } from './stream-readings.ts';

const deadlineMs = 5_000;
/** Bounds for a shared Redis; the keys of a sale are checked first. */
const maxSales = 1_000;
const scanSteps = 50;

/** Reports keys of Weir that have another type: every command that uses them fails. */
export async function diagnoseKeys(redis: Redis, isClusterNode: boolean): Promise<RedisFinding[]> {
  try {
    const wrong = [...(await findWrongKeys(redis, isClusterNode)), ...(await findWrongStreams(redis))];
    return [...new Set(wrong)].map((what) => ({
      ...{ level: 'problem', what },
      advice: 'find out which program wrote it, then rename or delete the key',
    }));
  } catch (error) {
    // The check of rights reports commands that this user may not run.
    if (classifyRefusal(error)?.reason === 'NOPERM') return [];
    throw error;
  }
}

async function findWrongKeys(redis: Redis, isClusterNode: boolean): Promise<string[]> {
  if (isClusterNode)
    return findTypes(redis, (await listSales(redis)).slice(0, maxSales).flatMap(expectTypes));
  const type = await withDeadline(redis, deadlineMs, redis.type(saleStreams));
  if (type !== 'set') return type === 'none' ? [] : [describe(saleStreams, type, 'set')];
  const streams = (await withDeadline(redis, deadlineMs, redis.smembers(saleStreams))).slice(0, maxSales);
  return findTypes(redis, streams.flatMap(expectTypes));
}

function expectTypes(stream: string): [key: string, expected: string][] {
  const keys = Object.entries(saleKeys(stream));
  return [
    [stream, 'stream'],
    ...keys.map(([name, key]): [string, string] => [key, name === 'order' ? 'list' : 'hash']),
  ];
}

async function findTypes(redis: Redis, expected: readonly [key: string, type: string][]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const [key] of expected) pipeline.type(key);
  const replies = (await withDeadline(redis, deadlineMs, pipeline.exec())) ?? [];
  return expected.flatMap(([key, type], i) => {
    const [error, found] = replies[i] ?? [];
    if (error) throw error;
    return found === type || found === 'none' ? [] : [describe(key, String(found), type)];
  });
}

/** Keys with the name of a stream that are of another type, whether or not they have a sale. */
async function findWrongStreams(redis: Redis): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  for (let step = 0; step < scanSteps; step++) {
    const scanned = redis.scan(cursor, 'MATCH', `${streamPrefix}*`, 'COUNT', 1_000);
    const [next, keys] = await withDeadline(redis, deadlineMs, scanned);
    found.push(
      ...(await findTypes(
        redis,
        keys.map((key) => [key, 'stream']),
      )),
    );
    cursor = next;
    if (cursor === '0') break;
  }
  return found;
}

function describe(key: string, found: string, expected: string): string {
  const shown = key.length > 100 ? `${key.slice(0, 100)}…` : key;
  return `${shown} is a ${found}, not a ${expected}`;
}
