import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { redisLiveSales } from '../../src/adapters/redis/live-sales.ts';

test('reading sales without a connection to Redis reports the store as unavailable', async () => {
  // No server listens there.
  const redis = new Redis(1, '127.0.0.1', { enableOfflineQueue: false, retryStrategy: () => null });
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  await expect(redisLiveSales(redis).read(['stream:seckill:1001'])).rejects.toMatchObject({
    ...{ code: 'STORE_UNAVAILABLE', message: 'Redis is not connected' },
  });
});
