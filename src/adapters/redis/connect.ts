import { Redis, type RedisOptions } from 'ioredis';
import { ignoreLateTlsErrors } from '../../lib/late-tls-errors.ts';
import { type RedisAddress, readRedisAddress } from '../../lib/redis-address.ts';
import { readTlsFiles, type TlsFiles } from '../../lib/tls-files.ts';
import { classifyRefusal, SilentError } from './refusal.ts';
import { connectThroughSentinels } from './sentinels.ts';

interface ConnectRedisOptions {
  /** As of `data.redis.addr`, of one server or of Sentinels. */
  addr: string;
  tls?: TlsFiles;
  name: string;
  onConnectionError: (error: Error) => void;
  /** Default true. False: ready before Redis has loaded its data, so that its refusals are visible. */
  waitsForLoading?: boolean;
}

/** Long, because a script or a read of many keys may be slow; a buyer waits for less (checkout.ts). */
export const answerDeadlineMs = 10_000;
/** Shortest time between two reconnects to a server that refuses. */
const reconnectEveryMs = 500;
/** A Sentinel that hangs is passed over. */
const sentinelDeadlineMs = 1_000;

/**
 * A connection that fails fast and never sends a command twice. By default ioredis resends what it had sent
 * before a disconnect, and a repeated XADD is a second purchase. Callers retry what is safe to repeat.
 */
export function connectRedis(options: ConnectRedisOptions): Redis {
  const { addr, name, onConnectionError, waitsForLoading = true } = options;
  let reconnectedAtMs = Number.NEGATIVE_INFINITY;
  const redisOptions: RedisOptions = {
    connectionName: `weir-${name}`,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: waitsForLoading,
    maxLoadingRetryTime: 1_000,
    connectTimeout: 3_000,
    // A frozen server does not close its side, and nothing can be sent before it is closed.
    disconnectTimeout: 100,
    keepAlive: 10_000,
    retryStrategy: (attempt: number) => Math.min(1_000, 50 * 2 ** attempt),
    // A demoted primary keeps its connections; the address may lead to the new one. 1: reconnect without
    // resending.
    reconnectOnError(error) {
      const now = performance.now();
      if (!classifyRefusal(error)?.reconnect || now - reconnectedAtMs < reconnectEveryMs) return false;
      reconnectedAtMs = now;
      return 1;
    },
  };
  const address = readRedisAddress(addr);
  if (address.kind === 'cluster') throw new TypeError('a cluster has a connection for each of its nodes');
  const redis = openConnection(address, options.tls, redisOptions);
  redis.on('error', (error: Error) => {
    // ioredis continues in database 0 when the one in the address is refused.
    if (isRefusedSelect(error)) redis.disconnect(true);
    onConnectionError(error);
  });
  return redis;
}

type Reachable = Exclude<RedisAddress, { kind: 'cluster' }>;

/** @throws Error when a file of `tls` cannot be read */
function openConnection(address: Reachable, tls: TlsFiles | undefined, options: RedisOptions): Redis {
  const files = readTlsFiles('data.redis.tls', tls);
  ignoreLateTlsErrors();
  if (address.kind === 'server') {
    if (!files) return new Redis(address.url, options);
    // ioredis takes `tls: true` from a rediss URL, which would override the options given here.
    return new Redis(address.url.replace(/^rediss:/, 'redis:'), { ...options, tls: files });
  }
  const { sentinels, primary, db, login, sentinelLogin } = address;
  const secure = files ?? (address.tls ? {} : undefined);
  return connectThroughSentinels({
    ...options,
    ...login,
    ...{ sentinels, name: primary, db },
    ...(sentinelLogin.username && { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password && { sentinelPassword: sentinelLogin.password }),
    ...(secure && { tls: secure, sentinelTLS: secure, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: sentinelDeadlineMs,
    sentinelRetryStrategy: (attempt) => Math.min(1_000, 50 * 2 ** attempt),
  });
}

function isRefusedSelect(error: Error & { command?: { name?: string } }): boolean {
  return error.command?.name === 'select';
}

/**
 * Returns a reply within the deadline, or fails and reconnects: a half-open connection would stay silent for
 * ever. An error reply is also emitted as `refused` on the connection.
 */
export async function withDeadline<T>(redis: Redis, deadlineMs: number, reply: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      redis.disconnect(true);
      reject(new SilentError(`no answer within ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([reply, late]);
  } catch (error) {
    redis.emit('refused', error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
