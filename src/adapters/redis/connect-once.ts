import type { Redis } from 'ioredis';
import { connectRedis, withDeadline } from './connect.ts';
import type { RedisConfig } from './connections.ts';
import { classifyRefusal } from './refusal.ts';

const usualDeadlineMs = 5_000;

/** One attempt: the first error is the one to report. */
export async function connectOnce(
  { addr, tls }: Pick<RedisConfig, 'addr' | 'tls'>,
  deadlineMs = usualDeadlineMs,
): Promise<Redis> {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const redis = connectRedis({
    ...{ addr, tls, name: 'doctor' },
    ...{ onConnectionError: fail, waitsForLoading: false },
  });
  try {
    const ready = new Promise((resolve) => redis.once('ready', resolve));
    await withDeadline(redis, deadlineMs, Promise.race([ready, failed]));
    // A refused database number arrives before this reply, a refused login as this reply.
    await withDeadline(redis, deadlineMs, Promise.race([redis.ping().catch(throwUnlessAnswered), failed]));
    return redis;
  } catch (error) {
    redis.disconnect();
    throw error;
  }
}

/** Redis may refuse PING while it loads or cannot write; other checks report that. */
function throwUnlessAnswered(error: Error): void {
  const reason = classifyRefusal(error)?.reason;
  if (reason === 'NOAUTH' || reason === 'UNREACHABLE') throw error;
}
