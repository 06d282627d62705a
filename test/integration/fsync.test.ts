import { describe, expect, test } from 'vitest';
import type { ProductId, UserId } from '../../src/instance/purchase.ts';
import { lacks } from '../support/newer.ts';
import { startOwnRedis, startOwnValkey } from '../support/own-redis.ts';
import { openRedisSales } from '../support/sales.ts';
import { connectTestRedis } from '../support/stores.ts';

const product = 1001n as ProductId;

async function openSale(url: string) {
  const redis = connectTestRedis(url);
  const { sales, till } = await openRedisSales(redis, undefined, { awaitsDisk: true });
  await sales.open({
    ...{ productId: product, stock: 5, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
    ...{ entry: 'open', admitPerSecond: undefined },
  });
  const buy = (user: number) =>
    till.buy(product, [{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined }]);
  return { buy, sales, redis };
}

describe('with sale.acknowledge fsync', () => {
  test.skipIf(lacks('valkey'))('a buyer is answered when Redis has his entry on disk', async () => {
    await using server = await startOwnValkey({ config: { appendfsync: 'always' } });
    const { buy, sales } = await openSale(server.url);
    expect(await buy(11)).toMatchObject([{ kind: 'accepted' }]);
    expect(await buy(11)).toMatchObject([{ kind: 'repeat' }]);
    expect(await sales.find(product)).toMatchObject({ sold: 1 });
  });

  test.skipIf(lacks('valkey'))(
    'a buyer is not answered while it is not, and finds his entry when it is',
    async () => {
      await using server = await startOwnValkey({ config: { appendfsync: 'no' } });
      const { buy, redis } = await openSale(server.url);
      await expect(buy(11)).rejects.toMatchObject({
        code: 'STORE_AWAY',
        message: expect.stringContaining('had not written to disk'),
      });
      await redis.config('SET', 'appendfsync', 'always');
      expect(await buy(11)).toMatchObject([{ kind: 'repeat' }]);
    },
  );

  test('a Redis that cannot say what is on disk sells nothing, and says why', async () => {
    await using server = await startOwnRedis({ appendonly: false });
    const { buy, sales } = await openSale(server.url);
    await expect(buy(11)).rejects.toMatchObject({
      code: 'STORE_AWAY',
      message: expect.stringContaining('sale.acknowledge'),
    });
    expect(await sales.find(product)).toMatchObject({ sold: 0, left: 5 });
  });
});
