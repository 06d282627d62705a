import { Redis, type RedisOptions } from 'ioredis';
import { messageOf } from '../../lib/message-of.ts';
import { formatHost, type Host } from '../../lib/redis-address.ts';

/** The methods of ioredis' connector that drop a cause. */
interface Connector {
  connectToSentinel(sentinel: Host, options?: RedisOptions): Redis;
  /** The address of the primary. */
  resolve(sentinel: Host): Promise<unknown>;
}

/**
 * A connection to the primary that Sentinels name. When none can be used, its error says why the last one
 * could not: ioredis reports "Connection is closed" instead, also for a certificate that is not accepted.
 */
export function connectThroughSentinels(options: RedisOptions): Redis {
  const redis = new Redis({ ...options, lazyConnect: true });
  redis.on('error', (error: Error) => {
    error.message = error.message.replace(
      /^All sentinels are unreachable.*?(Last error|$)/,
      'no Sentinel can be used',
    );
  });
  keepCauses((redis as unknown as { connector: Connector }).connector);
  redis.connect().catch(() => {});
  return redis;
}

function keepCauses(connector: Connector): void {
  const connectToSentinel = connector.connectToSentinel.bind(connector);
  const resolve = connector.resolve.bind(connector);
  let cause: Error | undefined;
  connector.connectToSentinel = (sentinel, options) =>
    connectToSentinel(sentinel, options).once('error', (error) => {
      cause = error;
    });
  connector.resolve = async (sentinel) => {
    cause = undefined;
    return resolve(sentinel).catch((error: Error) => {
      const why = cause ?? error;
      throw new Error(`${formatHost(sentinel)}: ${messageOf(why)}`, { cause: why });
    });
  };
}
