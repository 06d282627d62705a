import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

type RunScript = (
  redis: Redis,
  keys: readonly string[],
  ...args: readonly (string | number)[]
) => Promise<unknown>;

/**
 * Sent by its digest; sent in full when Redis does not know it, as after a restart: then nothing has run yet.
 */
export function createScript(lua: string): RunScript {
  const digest = createHash('sha1').update(lua).digest('hex');
  return async (redis, keys, ...args) => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.eval(lua, keys.length, ...keys, ...args);
    }
  };
}
