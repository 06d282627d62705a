import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { openAddressSwitch } from '../support/address-switch.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase } from '../support/stores.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

/** Two processes behind one address of Redis: one has all roles, one only sells. */
async function startProcesses(redisPort: number) {
  const databaseUrl = await createPostgresDatabase();
  const database = openPostgresServer({ url: databaseUrl, maxConnections: 1, onConnectionError() {} });
  onTestFinished(() => database.close());
  await createProduct(database);
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: `redis://127.0.0.1:${redisPort}`,
  };
  const all = await startWeir(env);
  const seller = await startWeir({ ...env, WEIR_SERVER_ROLES: 'http' });
  const countRows = async () =>
    (await database.query<{ count: number }>('SELECT count(*)::int FROM instance_logs'))[0]?.count;
  return { all, seller, countRows };
}

const buy = (weir: RunningWeir, userId: number) =>
  weir.request('POST', '/v1/sales/1001/buy', { userId: String(userId) });

async function follow(replica: Redis, primaryPort: number): Promise<void> {
  await replica.replicaof('127.0.0.1', primaryPort);
  await pollUntil('the replica should have caught up', 10_000, async () =>
    expect(await replica.info('replication')).toMatch(/master_link_status:up/),
  );
}

test('a demoted primary is named, and left when its address leads to the new one', async () => {
  await using first = await startOwnRedis();
  await using second = await startOwnRedis();
  const [old, next] = [connectTestRedis(first.url), connectTestRedis(second.url)];
  const address = await openAddressSwitch(first.port);
  const { all, seller, countRows } = await startProcesses(address.port);
  await follow(next, first.port);
  const sale = { productId: '1001', stock: 10, perUserLimit: 1 };
  expect((await all.request('POST', '/v1/sales', sale)).status).toBe(201);
  for (const [weir, user] of [
    [all, 1],
    [seller, 2],
  ] as const) {
    await pollUntil('a buyer', 5_000, async () => expect((await buy(weir, user)).status).toBe(202));
    expect((await weir.request('GET', '/readyz')).body.streams).toBe('ok');
  }
  await pollUntil('both instances', 10_000, async () => expect(await countRows()).toBe(2));

  await next.replicaof('NO', 'ONE');
  await old.replicaof('127.0.0.1', second.port);
  for (const weir of [all, seller]) {
    await pollUntil('readyz should name the replica', 5_000, async () => {
      const { status, body } = await weir.request('GET', '/readyz');
      expect(status).toBe(503);
      expect(body.streams).toMatch(/^Redis refuses writes: (READONLY|it is a replica)/);
    });
    await pollUntil('a buyer should be refused with the reason', 5_000, async () => {
      const { status, body } = await buy(weir, 3);
      expect(status).toBe(503);
      expect(body.detail).toMatch(/READONLY/);
    });
    expect(weir.lines.filter(({ event }) => event === 'store_refused')).toHaveLength(1);
  }
  const { body: metrics } = await seller.request('GET', '/metrics');
  expect(metrics).toContain('weir_redis_refuses{reason="READONLY"} 1');

  const movedAtMs = performance.now();
  address.leadTo(second.port);
  for (const [weir, user] of [
    [all, 3],
    [seller, 4],
  ] as const) {
    await pollUntil('a buyer', 5_000, async () => expect((await buy(weir, user)).status).toBe(202));
    await pollUntil('readyz', 5_000, async () =>
      expect((await weir.request('GET', '/readyz')).body.streams).toBe('ok'),
    );
  }
  await pollUntil('all instances', 5_000, async () => expect(await countRows()).toBe(4));
  expect(performance.now() - movedAtMs).toBeLessThan(4_000);

  // One sale whose key has another type: its answer names the key, and the process stays ready for all
  // others.
  await next.set('{stream:seckill:1001}:keys', 'x');
  const { status, body } = await seller.request(
    ...(['POST', '/v1/sales/1001/buy', { userId: '5' }] as const),
    { 'idempotency-key': 'five' },
  );
  expect([status, body.detail]).toEqual([503, expect.stringMatching(/^Redis refuses a key: WRONGTYPE /)]);
  const ready = await seller.request('GET', '/readyz');
  expect([ready.status, ready.body.streams]).toEqual([200, expect.stringMatching(/WRONGTYPE/)]);
});
