import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProductId, UserId } from '../../src/instance/purchase.ts';
import { redisSaleStore } from '../../src/redis/sale-store.ts';
import { redisTill } from '../../src/redis/till.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { connectTestRedis } from '../support/stores.ts';

const product = 1001n as ProductId;

/** The first valkey-server or redis-server on PATH that knows WAITAOF (Redis 7.2, every Valkey). */
function findServerWithWaitaof(): string | undefined {
  const folders = (process.env.PATH ?? '').split(':');
  const programs = ['valkey-server', 'redis-server'].flatMap((name) =>
    folders.map((folder) => join(folder, name)).filter(existsSync),
  );
  return programs.find((program) => {
    const [, major, minor] =
      /v=(\d+)\.(\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
    return Number(major) > 7 || (Number(major) === 7 && Number(minor) >= 2);
  });
}

async function openSale(url: string) {
  const redis = connectTestRedis(url);
  const sales = redisSaleStore(redis);
  await sales.open({
    ...{ productId: product, stock: 5, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
    ...{ entry: 'open', admitPerSecond: undefined },
  });
  const till = redisTill(redis, { awaitsDisk: true });
  const buy = (user: number) =>
    till.buy(product, [{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined }]);
  return { buy, sales, redis };
}

const program = findServerWithWaitaof();
const unless = program ? test : test.skip;

describe('with sale.acknowledge fsync', () => {
  unless(
    'a buyer is answered when Redis has his entry on disk (skipped: no valkey-server or Redis 7.2 here)',
    async () => {
      await using server = await startOwnRedis({
        ...(program && { program }),
        config: { appendfsync: 'always' },
      });
      const { buy, sales } = await openSale(server.url);
      expect(await buy(11)).toMatchObject([{ kind: 'accepted' }]);
      expect(await buy(11)).toMatchObject([{ kind: 'repeat' }]);
      expect(await sales.find(product)).toMatchObject({ sold: 1 });
    },
  );

  unless(
    'a buyer is not answered while it is not, and finds his entry when it is (skipped likewise)',
    async () => {
      await using server = await startOwnRedis({
        ...(program && { program }),
        config: { appendfsync: 'no' },
      });
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
