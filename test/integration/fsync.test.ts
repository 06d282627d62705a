import { describe, expect, onTestFinished, test } from 'vitest';
import { redisCheckout } from '../../src/adapters/redis/checkout.ts';
import { openRedis } from '../../src/adapters/redis/connections.ts';
import type { ProductId, UserId } from '../../src/core/instance/purchase.ts';
import type { Checkout } from '../../src/sale/checkout.ts';
import { lacks } from '../support/newer.ts';
import { startOwnRedis, startOwnValkey } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { redisConfig } from '../support/redis-config.ts';
import { noLedger, openLiveSale } from '../support/sales.ts';
import { connectTestRedis } from '../support/stores.ts';

const product = 1001n as ProductId;

function buyAt(checkout: Checkout) {
  return (user: number) =>
    checkout.buy(product, [{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined }]);
}

async function openSale(url: string) {
  const redis = connectTestRedis(url);
  await openLiveSale(redis);
  return { redis, countSold: async () => Number(await redis.hget('{stream:seckill:1001}:sale', 'sold')) };
}

/** As one process of Weir has it. */
function openProcess(url: string, acknowledge: 'fsync' | 'replica' = 'fsync') {
  const { selling, queries, disk, health, close } = openRedis({ ...redisConfig(url), acknowledge }, () => {});
  onTestFinished(close);
  const checkout = redisCheckout(selling, {
    queries,
    acknowledge,
    ledger: noLedger,
    ...(disk && { disk }),
  });
  const ready = () =>
    pollUntil('Redis should be ready', 10_000, async () => expect(health.notReady()).toBeUndefined());
  return { checkout, buy: buyAt(checkout), health, ready };
}

const notOnDisk = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('no write to disk') };

test('with sale.acknowledge replica nothing is sold until a replica confirms it', async () => {
  await using server = await startOwnRedis({ appendonly: false });
  const { countSold } = await openSale(server.url);
  const { buy, health } = openProcess(server.url, 'replica');
  await pollUntil('the reason', 10_000, async () => expect(health.notReady()).toMatch(/no replica had it/));
  const noReplica = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('no replica had it') };
  await expect(buy(11)).rejects.toMatchObject(noReplica);
  expect(await countSold()).toBe(0);
  await using replica = await startOwnRedis({ appendonly: false });
  await connectTestRedis(replica.url).replicaof('127.0.0.1', server.port);
  await pollUntil('a confirmed buy', 15_000, async () =>
    expect(await buy(11)).toMatchObject([{ kind: 'accepted' }]),
  );
  await pollUntil('readiness', 5_000, async () => expect(health.notReady()).toBeUndefined());
});

describe.skipIf(lacks('valkey'))('sale.acknowledge fsync on a Redis with an append-only file', () => {
  test('a buyer is answered when the entry is on disk, and not before', async () => {
    await using server = await startOwnValkey({ config: { appendfsync: 'always' } });
    const { redis, countSold } = await openSale(server.url);
    const [one, other] = [openProcess(server.url), openProcess(server.url)];
    await Promise.all([one.ready(), other.ready()]);
    expect(await one.buy(11)).toMatchObject([{ kind: 'accepted' }]);
    expect(await other.buy(11)).toMatchObject([{ kind: 'repeat' }]);
    await redis.config('SET', 'appendfsync', 'no');
    const begunAtMs = performance.now();
    const answers = Promise.allSettled([one.buy(12), other.buy(12)]);
    await one.checkout.readSale(product, { life: '', count: 0, last: '', wantsMore: false });
    expect(performance.now() - begunAtMs, 'a look waits for no purchase').toBeLessThan(1_000);
    // One of them is a repeat, and its connection has written nothing.
    const refused = { status: 'rejected', reason: notOnDisk };
    expect(await answers).toMatchObject([refused, refused]);
    await expect(one.buy(13), 'nothing is sold while the disk is in doubt').rejects.toMatchObject(notOnDisk);
    expect(await countSold()).toBe(2);
    expect(one.health.notReady()).toMatch(/^Redis cannot confirm what is on disk/);
    await redis.config('SET', 'appendfsync', 'always');
    await one.ready();
    expect(await one.buy(12)).toMatchObject([{ kind: 'repeat' }]);
  });

  test('an append-only file that is switched off later stops the sale and is reported', async () => {
    await using server = await startOwnValkey({ config: { appendfsync: 'always' } });
    const { redis, countSold } = await openSale(server.url);
    const { buy, health, ready } = openProcess(server.url);
    await ready();
    expect(await buy(1)).toMatchObject([{ kind: 'accepted' }]);
    await redis.config('SET', 'appendonly', 'no');
    const users = Array.from({ length: 100 }, (_, i) => i + 2);
    for (const answer of await Promise.allSettled(users.map(buy))) {
      expect(answer).toMatchObject({
        status: 'rejected',
        reason: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('appendonly is off') },
      });
    }
    expect(await countSold()).toBe(1);
    await pollUntil('readiness should name it', 5_000, async () =>
      expect(health.notReady()).toMatch(/sale\.acknowledge is fsync/),
    );
    await redis.config('SET', 'appendonly', 'yes');
    await ready();
    expect(await buy(2)).toMatchObject([{ kind: 'accepted' }]);
  });

  test('a Redis that freezes while a buyer waits for the disk answers within seconds', async () => {
    await using server = await startOwnValkey({ config: { appendfsync: 'always' } });
    await openSale(server.url);
    const { buy, ready } = openProcess(server.url);
    await ready();
    await buy(1);
    server.pause();
    await expect(buy(2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    server.resume();
    const [answer] = await pollUntil('the buyer should be answered', 10_000, () => buy(2));
    expect(answer).toMatchObject({ kind: expect.stringMatching(/accepted|repeat/) });
  });
});

test('sale.acknowledge fsync on a Redis without WAITAOF sells nothing and names why', async () => {
  await using server = await startOwnRedis({ appendonly: false });
  const { redis, countSold } = await openSale(server.url);
  await expect(
    buyAt(redisCheckout(redis, { acknowledge: 'fsync', ledger: noLedger }))(11),
  ).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    message: expect.stringContaining('sale.acknowledge'),
  });
  expect(await countSold()).toBe(0);
});
