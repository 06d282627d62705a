import { describe, expect, test } from 'vitest';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import type { FailpointName } from '../../src/lib/failpoint.ts';
import { createLifeQueues, expectAuditHolds, readIds, startResource } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  connectTestRedis,
  createFolder,
  createPostgresDatabase,
  createRedisDatabase,
} from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { launchWeir, startWeir } from '../support/weir.ts';

const stream = 'stream:seckill:1001';

/** A sale with `winners` on its stream, and `orders` to pay, on stores of the test. */
async function setUp({ winners = 0, orders = 0 }) {
  const databaseUrl = await createPostgresDatabase();
  const redisUrl = await createRedisDatabase();
  const { queues, env: queueEnv } = createLifeQueues();
  const database = openTestPool(databaseUrl);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  await database.query(
    `INSERT INTO orders (id, product_id, user_id, amount_cents)
     SELECT 'ORD' || n, 1001, n, 100 FROM generate_series(1, $1::int) AS n`,
    [orders],
  );
  const redis = connectTestRedis(redisUrl);
  const keys = saleKeys(stream);
  for (let user = 1; user <= winners; user++) {
    const id = (await redis.xadd(stream, '*', 'uid', `${user}`)) as string;
    await redis.hset(keys.units, id, `1:${user}`);
    await redis.hincrby(keys.buyers, `${user}`, 1);
  }
  if (winners > 0)
    await redis.hset(keys.sale, { number: 1, stock: winners, sold: winners, remaining: 0, restocked: 0 });
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_SECKILL_BATCHSIZE: '20',
    WEIR_SECKILL_MINIDLEMS: '300',
    ...queueEnv,
  };
  const count = async (sql: string) =>
    Number((await database.query(`SELECT count(*) FROM ${sql}`)).rows[0].count);
  return { database, redis, keys, queues, env, count };
}

type World = Awaited<ReturnType<typeof setUp>>;

/** P6 here: units and refunds are as many as failures, each once, in the stores themselves. */
async function expectRestockedOnce({ redis, keys, queues, count }: World): Promise<void> {
  const failedUnits = await count("instance_logs WHERE status = 'FAILED' AND source = 'SECKILL'");
  const failedOrders = await count("instance_logs WHERE status = 'FAILED' AND source = 'ORDER'");
  const sale = await redis.hgetall(keys.sale);
  const stock = Number(sale.stock ?? 0);
  if (stock > 0) {
    expect(sale).toMatchObject({ sold: `${stock - failedUnits}`, restocked: `${failedUnits}` });
    expect(await redis.hlen(keys.buyers)).toBe(stock - failedUnits);
  }
  expect(await readIds(queues.refunds, failedOrders)).toHaveLength(failedOrders);
  expect(await count("compensations WHERE kind = 'REFUND' AND instance_id IS NOT NULL")).toBe(failedOrders);
}

async function payAll(weir: Awaited<ReturnType<typeof startWeir>>, orders: number): Promise<void> {
  for (let n = 1; n <= orders; n++) {
    expect([200, 201]).toContain((await weir.request('POST', `/v1/orders/ORD${n}/paid`)).status);
  }
}

describe('killed at any point of settling, what failed is restocked and refunded once', () => {
  test.each<[FailpointName, string]>([
    ['before-settle', 'before the commit that settles'],
    ['after-settle', 'after that commit, before the results are acknowledged'],
    ['after-restock', 'after the units are back, before that is written down'],
  ])('a kill at %s compensates each failure once', async (failpoint) => {
    const world = await setUp({ winners: 60, orders: 20 });
    const paying = await startWeir({ ...world.env }, ['start', '--roles', 'http,relay']);
    await payAll(paying, 20);
    await paying.stop();
    startResource(world.env, '--fail', '50', '--repeat', '20');
    const doomed = launchWeir({ ...world.env, WEIR_FAILPOINTS: failpoint });
    expect(await doomed.exited).toBe('SIGKILL');
    const weir = await startWeir(world.env);
    await expectAuditHolds(weir);
    expect(await world.count("instance_logs WHERE status = 'FAILED'")).toBeGreaterThan(20);
    expect(await world.count('instance_history')).toBe(0);
    await expectRestockedOnce(world);
  });

  test('after-republish: before the commit that publishes them again', async () => {
    const world = await setUp({ winners: 30 });
    const env = { ...world.env, WEIR_OVERDUE_DEADLINEMS: '300', WEIR_OVERDUE_MAXPUBLICATIONS: '2' };
    startResource(env, '--silent', '100');
    expect(await launchWeir({ ...env, WEIR_FAILPOINTS: 'after-republish' }).exited).toBe('SIGKILL');
    const weir = await startWeir(env);
    await expectAuditHolds(weir);
    expect(await world.count("instance_logs WHERE status = 'FAILED' AND reason = 'TIMEOUT'")).toBe(30);
    // Rolled back with the publication, so it occurs as often as expected.
    expect(await world.count("instance_history WHERE what = 'REPUBLISHED'")).toBe(30);
    await expectRestockedOnce(world);
  });
});

test('after a kill during a late payment the repeat gets one refund', async () => {
  const world = await setUp({ orders: 1 });
  await world.database.query("UPDATE orders SET status = 'CANCELLED'");
  const doomed = await startWeir({ ...world.env, WEIR_FAILPOINTS: 'before-refund-request' });
  await doomed.request('POST', '/v1/orders/ORD1/paid').catch(() => undefined);
  expect(await doomed.exited).toBe('SIGKILL');
  const weir = await startWeir(world.env);
  expect(await weir.request('POST', '/v1/orders/ORD1/paid')).toMatchObject({
    status: 200,
    body: { outcome: 'refund requested' },
  });
  expect(await readIds(world.queues.refunds, 1)).toHaveLength(1);
  expect(await world.count('compensations')).toBe(1);
  await expectAuditHolds(weir);
});

test('after a kill during a replay the parked entry is replayed once', async () => {
  const world = await setUp({});
  await world.redis.xadd('stream:seckill:77', '*', 'uid', '5');
  const first = await startWeir(world.env);
  await pollUntil('the entry to be parked', 15_000, async () =>
    expect(await world.count("parked WHERE state = 'PARKED'")).toBe(1),
  );
  await first.stop();
  await world.database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (77, 'x', 1, 1, 'ubuntu')",
  );
  const { rows } = await world.database.query('SELECT id::text FROM parked');
  const path = `/v1/parked/${rows[0].id}/replay`;
  const doomed = await startWeir({ ...world.env, WEIR_FAILPOINTS: 'after-replay' });
  await doomed.request('POST', path).catch(() => undefined);
  expect(await doomed.exited).toBe('SIGKILL');
  const weir = await startWeir(world.env);
  expect((await weir.request('POST', path)).body).toMatchObject({ state: 'REPLAYED' });
  expect(await world.count('instance_logs')).toBe(1);
});

test('after a kill between archive file and removal the rows remain until the next run', async () => {
  const world = await setUp({});
  await world.database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, status, created_at, updated_at)
     SELECT 1001, n, n, 'ACTIVITY', n::text, 'SUCCESS', now() - interval '3 days', now() - interval '3 days'
     FROM generate_series(1, 50) AS n`,
  );
  await world.database.query("INSERT INTO published VALUES ('CREATED', 15, 50)");
  const folder = await createFolder();
  const env = {
    ...world.env,
    WEIR_CLEANING_ARCHIVEAFTERMS: '86400000',
    WEIR_CLEANING_ARCHIVEFOLDER: folder,
  };
  const counting = await startWeir(world.env);
  await expectAuditHolds(counting);
  await counting.stop();
  expect(await launchWeir({ ...env, WEIR_FAILPOINTS: 'after-archive' }).exited).toBe('SIGKILL');
  expect(await world.count('instance_logs')).toBe(50);
  const weir = await startWeir(env);
  await pollUntil('the rows to be archived', 15_000, async () =>
    expect(await world.count('instance_logs')).toBe(0),
  );
  await expectAuditHolds(weir);
});
