import { Redis, type RedisOptions } from 'ioredis';

export interface ConnectRedisOptions {
  /** `host:port` or a redis:// or rediss:// URL. */
  addr: string;
  name: string;
  onConnectionError: (error: Error) => void;
}

/**
 * A connection that fails fast and never sends a command twice: ioredis would by default repeat what it sent before
 * a cut, and a repeated XADD is a second purchase. Callers retry what they know to be safe.
 */
export function connectRedis({ addr, name, onConnectionError }: ConnectRedisOptions): Redis {
  const options: RedisOptions = {
    connectionName: `weir-${name}`,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: (attempt: number) => Math.min(2_000, 50 * 2 ** attempt),
  };
  const redis = new Redis(toUrl(addr), options);
  redis.on('error', onConnectionError);
  return redis;
}

export function toUrl(addr: string): string {
  return /^rediss?:\/\//.test(addr) ? addr : `redis://${addr}`;
}

/**
 * A reply by the deadline, or an error and a fresh connection: a half-open one would stay silent for ever.
 */
export async function withDeadline<T>(redis: Redis, deadlineMs: number, reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      redis.disconnect(true);
      reject(new Error(`Redis did not answer within ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([reply, late]);
  } finally {
    clearTimeout(timer);
  }
}
