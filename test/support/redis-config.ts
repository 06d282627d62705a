import type { RedisConfig } from '../../src/adapters/redis/connections.ts';

/** Of a Redis at this address, with every other setting as by default. */
export function redisConfig(redisAddr: string): RedisConfig {
  return { redisAddr, redisTlsCa: '', redisTlsCert: '', redisTlsKey: '', saleAcknowledge: 'memory' };
}
