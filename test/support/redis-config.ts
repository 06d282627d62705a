import type { RedisConfig } from '../../src/adapters/redis/connections.ts';

/** Of a Redis at this address, with every other setting as by default. */
export function redisConfig(addr: string): RedisConfig {
  return { addr, tls: { ca: '', cert: '', key: '' }, acknowledge: 'memory' };
}
