import type { RedisConfig } from '../../src/adapters/redis/connections.ts';

/** The configuration of a Redis at this address, with default values for every other setting. */
export function redisConfig(addr: string): RedisConfig {
  return { addr, tls: { ca: '', cert: '', key: '' }, acknowledge: 'memory' };
}
