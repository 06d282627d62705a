import type { Redis } from 'ioredis';
import { classifyRefusal } from './refusal.ts';

/** A hash that `weir doctor` creates and removes. No product has the id 0. */
const hash = '{stream:seckill:0}:doctor';
const missing = 'stream:seckill:0';

/**
 * Each command that Weir sends, alone or in a script, with arguments that change nothing: on a hash it fails
 * only for the type of the key. Redis checks permissions before that.
 */
export const commandsTried: readonly (readonly string[])[] = [
  // First: it creates the hash for the others.
  ['HSET', hash, 'field', '1'],
  ['PING'],
  ['INFO', 'server'],
  ['TIME'],
  ['SCAN', '0', 'COUNT', '1'],
  ['TYPE', missing],
  ['EXISTS', missing],
  ['EVAL', 'return 1', '0'],
  ['EVALSHA', '0'.repeat(40), '0'],
  ['XADD', hash, 'NOMKSTREAM', '*', 'field', '1'],
  ['XGROUP', 'CREATE', hash, 'weir', '0'],
  ['XREADGROUP', 'GROUP', 'weir', 'doctor', 'STREAMS', missing, '>'],
  ['XACK', hash, 'weir', '0-0'],
  ['XAUTOCLAIM', hash, 'weir', 'doctor', '1000', '0'],
  ['XCLAIM', hash, 'weir', 'doctor', '1000', '0-0'],
  ['XPENDING', hash, 'weir'],
  ['XRANGE', hash, '-', '+', 'COUNT', '1'],
  ['XINFO', 'STREAM', hash],
  ['XTRIM', hash, 'MINID', '0'],
  ['HGET', hash, 'field'],
  ['HMGET', hash, 'field'],
  ['HGETALL', hash],
  ['HSCAN', hash, '0'],
  ['HINCRBY', hash, 'field', '1'],
  ['HDEL', hash, 'other'],
  ['RPUSH', hash, 'x'],
  ['LLEN', hash],
  ['LRANGE', hash, '0', '0'],
  ['LINDEX', hash, '0'],
  ['RENAME', `${hash}:none`, hash],
  ['SADD', hash, 'x'],
  ['SMEMBERS', 'weir:sales'],
  // Last: it removes the hash.
  ['UNLINK', hash],
];

/** The commands that this user may not run or that this server does not know, with the error of Redis. */
export async function findForbidden(
  redis: Redis,
  more: readonly (readonly string[])[] = [],
): Promise<Map<string, string>> {
  const pipeline = redis.pipeline();
  const tried = [...more, ...commandsTried];
  for (const [name = '', ...args] of tried) pipeline.call(name, ...args);
  const replies = (await pipeline.exec()) ?? [];
  const forbidden = new Map<string, string>();
  replies.forEach(([error], i) => {
    if (error && isForbidden(error)) forbidden.set(tried[i]?.[0] ?? '', error.message);
  });
  return forbidden;
}

function isForbidden(error: Error): boolean {
  return classifyRefusal(error)?.reason === 'NOPERM' || /^ERR unknown (sub)?command/.test(error.message);
}
