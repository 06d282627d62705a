import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { expectAuditHolds } from '../support/life.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import type { OwnServer } from '../support/own-server.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase } from '../support/stores.ts';
import { runWeir, startWeir } from '../support/weir.ts';
import { expectVerified } from './expect-verified.ts';

/** A primary, a replica that has caught up, and a Sentinel that replaces the primary by itself. */
async function startWatched() {
  const [primary, replica, sentinel] = await Promise.all([
    startOwnRedis({ appendonly: false }),
    startOwnRedis({ appendonly: false }),
    startOwnRedis({ sentinel: true }),
  ]);
  onTestFinished(() =>
    Promise.all([primary, replica, sentinel].map((server) => server.dispose())).then(() => {}),
  );
  await connectTestRedis(replica.url).replicaof('127.0.0.1', primary.port);
  await pollUntil('the replica to have caught up', 20_000, async () =>
    expect(await connectTestRedis(replica.url).info('replication')).toMatch(/master_link_status:up/),
  );
  const watch = connectTestRedis(sentinel.url);
  await watch.call('SENTINEL', 'MONITOR', 'main', '127.0.0.1', String(primary.port), '1');
  await watch.call('SENTINEL', 'SET', 'main', 'down-after-milliseconds', '1000');
  await watch.call('SENTINEL', 'SET', 'main', 'failover-timeout', '5000');
  await pollUntil('the Sentinel to know the replica', 20_000, async () =>
    expect(await watch.call('SENTINEL', 'REPLICAS', 'main')).toHaveLength(1),
  );
  return { primary, replica, sentinel, addr: `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/main` };
}

async function setUp(addr: string) {
  const databaseUrl = await createPostgresDatabase();
  const database = openPostgresServer({ url: databaseUrl, maxConnections: 2, onConnectionError() {} });
  onTestFinished(() => database.close());
  await createProduct(database);
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: addr,
    WEIR_RESOURCE_SIMULATE: 'true',
    WEIR_RESOURCE_DELAYMS: '0',
  };
  return { database, env };
}

test.each([
  ['killed', (server: OwnServer) => server.kill()],
  ['frozen', async (server: OwnServer) => server.pause()],
])('a sale goes on at the primary that Sentinels elect when the old one is %s', async (_, fail) => {
  const { primary, replica, sentinel, addr } = await startWatched();
  const { database, env } = await setUp(addr);
  const weir = await startWeir(env);
  const sale = { productId: '1001', stock: 1_000, perUserLimit: 1 };
  expect((await weir.request('POST', '/v1/sales', sale)).status).toBe(201);
  const buy = async (user: number) => {
    const { status } = await weir.request('POST', '/v1/sales/1001/buy', { userId: String(user) });
    expect([200, 202]).toContain(status);
  };
  for (let user = 1; user <= 20; user++) await buy(user);

  await fail(primary);
  await pollUntil('readyz to say why', 10_000, async () =>
    expect((await weir.request('GET', '/readyz')).body.streams).toMatch(/Redis/),
  );
  await pollUntil('the replica to be elected', 30_000, async () => {
    const watch = new Redis(sentinel.url);
    const [, port] = (await watch.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[];
    watch.disconnect();
    expect(Number(port)).toBe(replica.port);
  });
  const electedAtMs = performance.now();
  await pollUntil('a buyer', 15_000, () => buy(21));
  expect(performance.now() - electedAtMs).toBeLessThan(5_000);
  for (let user = 1; user <= 40; user++) await pollUntil(`buyer ${user}`, 10_000, () => buy(user));
  await pollUntil('one instance for each buyer', 30_000, async () => {
    const rows = await database.query('SELECT DISTINCT user_id FROM instance_logs');
    expect(rows).toHaveLength(40);
  });
  await expectAuditHolds(weir);
});

test('every promise holds for the external checker while Sentinels elect a primary', async () => {
  const { primary, replica, addr } = await startWatched();
  await expectVerified({ redis: addr, redisMayLose: true }, async () => {
    await primary.kill();
    await pollUntil('the replica to be elected', 30_000, async () =>
      expect(await connectTestRedis(replica.url).role()).toContain('master'),
    );
  });
});

test('doctor reaches the primary through the Sentinels, and names an unknown name', async () => {
  const { addr } = await startWatched();
  const { env } = await setUp(addr);
  expect((await runWeir(['doctor'], env)).stdout).toMatch(/Redis: reachable, version/);
  const wrong = await runWeir(['doctor'], { ...env, WEIR_DATA_REDIS_ADDR: addr.replace(/main$/, 'other') });
  expect(wrong.code).toBe(5);
  expect(wrong.stdout).toMatch(/No such master with that name\s+→ correct the name of the primary/);
});
