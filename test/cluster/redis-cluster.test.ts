import { expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { openRedisPorts } from '../../src/adapters/redis/open-redis.ts';
import type { SourceId, UserId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { expectAuditHolds } from '../support/life.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { type OwnRedisCluster, startOwnRedisCluster } from '../support/own-redis-cluster.ts';
import type { OwnServer } from '../support/own-server.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase } from '../support/stores.ts';
import { launchWeir, type RunningWeir, runWeir, startWeir } from '../support/weir.ts';
import { expectVerified } from './expect-verified.ts';

const products = ['1001', '1002', '1003', '1004', '1005', '1006'];
const streamOf = (product: string) => `stream:seckill:${product}`;

async function setUp(cluster: OwnRedisCluster, more: Record<string, string> = {}) {
  const databaseUrl = await createPostgresDatabase();
  const database = openPostgresServer({ url: databaseUrl, maxConnections: 2, onConnectionError() {} });
  onTestFinished(() => database.close());
  for (const product of products) await createProduct(database, BigInt(product));
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: cluster.url,
    WEIR_RESOURCE_SIMULATE: 'true',
    WEIR_RESOURCE_DELAYMS: '0',
    WEIR_SALE_USERPERSECOND: '0',
    WEIR_SALE_ADDRESSPERSECOND: '0',
    ...more,
  };
  return { database, env };
}

async function openSales(weir: RunningWeir, stock: number): Promise<void> {
  for (const productId of products) {
    const { status } = await weir.request('POST', '/v1/sales', { productId, stock, perUserLimit: 1 });
    expect(status).toBe(201);
  }
}

/** Buys of ever new users, each asked again until it is answered, over all products in turn. */
class Buyers {
  readonly accepted = new Map<string, string>();
  #isOver = false;
  readonly #loops: Promise<void>[];
  #next = 0;

  constructor(weir: RunningWeir, count: number, products: readonly string[]) {
    this.#loops = Array.from({ length: count }, () => this.#run(weir, products));
    for (const loop of this.#loops) loop.catch(() => {});
    onTestFinished(() => {
      this.#isOver = true;
    });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  async #run(weir: RunningWeir, products: readonly string[]): Promise<void> {
    while (!this.#isOver) {
      const user = String(++this.#next);
      const product = products[this.#next % products.length] as string;
      await pollUntil(`buyer ${user}`, 30_000, async () => {
        if (this.#isOver) return;
        const { status, body } = await weir.request('POST', `/v1/sales/${product}/buy`, { userId: user });
        if (status !== 200 && status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
        this.accepted.set(`${product} ${user}`, body.streamId);
      });
    }
  }
}

async function expectExactlyOnce(weir: RunningWeir, database: Database, accepted: Map<string, string>) {
  await pollUntil('every accepted buy to be one instance', 60_000, async () => {
    const rows = await database.query<{ scope: string; user: string; source: string }>(
      'SELECT scope, user_id::text AS "user", source_id AS source FROM instance_logs',
    );
    const made = new Map(rows.map(({ scope, user, source }) => [`${scope.split(':')[2]} ${user}`, source]));
    expect(made.size, 'no user has two').toBe(rows.length);
    const missing = [...accepted].filter(([key, entry]) => made.get(key) !== entry);
    expect(missing).toEqual([]);
  });
  await expectAuditHolds(weir);
}

/** Kills the primary of product 1001 under load. @returns it, when its replica has been elected */
async function failOver(cluster: OwnRedisCluster, weir: RunningWeir) {
  const victim = await cluster.findPrimary(streamOf('1001'));
  await victim.kill();
  await pollUntil('readyz to name what is down', 10_000, async () => {
    const { body } = await weir.request('GET', '/readyz');
    expect(body.streams).toContain(String(victim.port));
  });
  const { status, body } = await weir.request('GET', '/v1/sales');
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body.items).toHaveLength(products.length);
  await pollUntil('a replica to be elected', 20_000, async () =>
    expect(await cluster.findPrimary(streamOf('1001'))).not.toBe(victim),
  );
  return victim;
}

async function waitForBuysOf(product: string, buyers: Buyers, deadlineMs: number): Promise<void> {
  const count = () => [...buyers.accepted.keys()].filter((key) => key.startsWith(`${product} `)).length;
  const before = count();
  await pollUntil(`buys of ${product}`, deadlineMs, async () => expect(count()).toBeGreaterThan(before));
}

test('a sale goes on within 5 s after the election of a new primary', async () => {
  await using cluster = await startOwnRedisCluster();
  const { env } = await setUp(cluster);
  const weir = await startWeir(env);
  await openSales(weir, 1_000_000);
  const buyers = new Buyers(weir, 8, products);
  await pollUntil('some buys', 20_000, async () => expect(buyers.accepted.size).toBeGreaterThan(200));
  await failOver(cluster, weir);
  await waitForBuysOf('1001', buyers, 5_000);
  await buyers.end();
  await expectAuditHolds(weir);
});

test('no buy that a replica has confirmed is lost or doubled by the death of a primary', async () => {
  await using cluster = await startOwnRedisCluster();
  const { database, env } = await setUp(cluster, { WEIR_SALE_ACKNOWLEDGE: 'replica' });
  const weir = await startWeir(env);
  await openSales(weir, 1_000_000);
  const buyers = new Buyers(weir, 8, products);
  await pollUntil('some buys', 20_000, async () => expect(buyers.accepted.size).toBeGreaterThan(200));
  const victim = await failOver(cluster, weir);
  // As the replica of the one that was elected: until then nothing of 1001 can be confirmed.
  await victim.restart();
  await waitForBuysOf('1001', buyers, 20_000);
  await buyers.end();
  await expectExactlyOnce(weir, database, buyers.accepted);
});

test('every promise holds for the external checker while a primary of the cluster dies', async () => {
  await using cluster = await startOwnRedisCluster();
  const settings = { WEIR_SALE_ACKNOWLEDGE: 'replica' };
  await expectVerified({ redis: cluster.url, settings, redisMayLose: true }, async () => {
    const victim = cluster.primaries[0] as OwnServer;
    await victim.kill();
    await pollUntil('its replica to be elected', 20_000, async () =>
      expect(await connectTestRedis(cluster.replicas[0]?.url ?? '').role()).toContain('master'),
    );
    await victim.restart();
  });
});

test('slots that move to other nodes take their sales along, under load', async () => {
  await using cluster = await startOwnRedisCluster();
  const { database, env } = await setUp(cluster, { WEIR_SALE_ACKNOWLEDGE: 'replica' });
  const weir = await startWeir(env);
  await openSales(weir, 1_000_000);
  const buyers = new Buyers(weir, 8, products);
  await pollUntil('some buys', 20_000, async () => expect(buyers.accepted.size).toBeGreaterThan(200));
  // The second is where Weir tries a node and waits for its replica.
  for (const key of [streamOf('1001'), '{stream:seckill:0}', streamOf('1001')]) {
    const from = await cluster.findPrimary(key);
    const to = cluster.primaries.find((server) => server !== from);
    if (!to) throw new Error('there are three');
    await cluster.moveSlot(key, to);
    const before = buyers.accepted.size;
    await pollUntil('more buys', 20_000, async () =>
      expect(buyers.accepted.size).toBeGreaterThan(before + 100),
    );
    await pollUntil('every node to work', 20_000, async () =>
      expect((await weir.request('GET', '/readyz')).body.streams).toBe('ok'),
    );
    for (const product of products) await waitForBuysOf(product, buyers, 10_000);
  }
  await buyers.end();
  await expectExactlyOnce(weir, database, buyers.accepted);
});

test('units of a node that is gone come later, and those of others are restocked', async () => {
  await using cluster = await startOwnRedisCluster({ config: { 'cluster-require-full-coverage': 'no' } });
  const never = async () => undefined;
  const redis = openRedisPorts(
    { addr: cluster.url, tls: { ca: '', cert: '', key: '' }, acknowledge: 'memory' },
    {
      emit() {},
      ledger: { findSecret: never, listProducts: async () => [] },
      verify: () => undefined,
      onConnected() {},
    },
  );
  onTestFinished(() => redis.close());
  const units = products.map((product) => ({
    ...{ stream: streamOf(product), entryId: '1-0' as SourceId, userId: 1n as UserId },
  }));
  await pollUntil('every node', 20_000, async () =>
    expect(await redis.counters.restock(units)).toEqual(units.map(() => 'NO_SALE')),
  );
  const gone = cluster.primaries.indexOf(await cluster.findPrimary(streamOf('1001')));
  const owners = await Promise.all(units.map(({ stream }) => cluster.findPrimary(stream)));
  await Promise.all([cluster.primaries[gone]?.kill(), cluster.replicas[gone]?.kill()]);
  const answers = await redis.counters.restock(units);
  const expected = owners.map((owner) =>
    owner === cluster.primaries[gone] ? { later: expect.any(String) } : 'NO_SALE',
  );
  expect(answers).toEqual(expected);
});

test('entries that others add to streams on several nodes become instances', async () => {
  await using cluster = await startOwnRedisCluster();
  const { database, env } = await setUp(cluster);
  const weir = launchWeir(env);
  weir.url = String((await weir.waitFor('started')).addr);
  for (const product of products) {
    const { url } = await cluster.findPrimary(streamOf(product));
    const redis = connectTestRedis(url);
    for (let user = 1; user <= 50; user++) await redis.xadd(streamOf(product), '*', 'uid', String(user));
  }
  await pollUntil('every entry to be an instance', 30_000, async () => {
    const [row] = await database.query<{ count: number }>('SELECT count(*)::int FROM instance_logs');
    expect(row?.count).toBe(50 * products.length);
  });
  await expectAuditHolds(weir);
});

test('doctor diagnoses each primary of a cluster, and names what is no node of it', async () => {
  await using cluster = await startOwnRedisCluster();
  const { env } = await setUp(cluster);
  const { stdout } = await runWeir(['doctor'], env);
  for (const { port } of cluster.primaries)
    expect(stdout).toMatch(new RegExp(`Redis 127.0.0.1:${port}: reachable`));
  await using single = await startOwnRedis({ appendonly: false });
  const wrong = `${cluster.url},127.0.0.1:${single.port},127.0.0.1:1`;
  const mixed = await runWeir(['doctor'], { ...env, WEIR_DATA_REDIS_ADDR: wrong });
  expect(mixed.code).toBe(5);
  expect(mixed.stdout).toContain(`127.0.0.1:${single.port} is no node of a cluster`);
  expect(mixed.stdout).toMatch(/127\.0\.0\.1:1: Redis is not connected/);
  const [node] = cluster.primaries as [OwnServer];
  const alone = await runWeir(['doctor'], { ...env, WEIR_DATA_REDIS_ADDR: node.url });
  expect(alone.code).toBe(5);
  expect(alone.stdout).toMatch(/it is a node of a cluster\s+→ write redis\+cluster:/);
});

test('a load on a stream of a cluster reaches the node that has it', async () => {
  await using cluster = await startOwnRedisCluster();
  const { env } = await setUp(cluster);
  const weir = await startWeir(env);
  for (const product of products.slice(0, 3)) {
    const args = ['load', '--url', weir.url, '--mix', 'stream', '--rate', '50', '--duration', '1s'];
    const { code, stdout, stderr } = await runWeir([...args, '--product', product], env);
    expect(code, `${stdout}${stderr}`).toBe(0);
  }
});
