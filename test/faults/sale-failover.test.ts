import { expect, onTestFinished, test } from 'vitest';
import { openAddressSwitch } from '../support/address-switch.ts';
import { createLifeQueues } from '../support/life.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

const stock = 300;

/** A sale on two replicas of Weir, in front of an address that leads to one Redis and later to another. */
async function openSale() {
  const databaseUrl = await createPostgresDatabase();
  const database = openTestPool(databaseUrl);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  const primary = await startOwnRedis({ appendonly: false });
  const standby = await startOwnRedis({ appendonly: false });
  onTestFinished(async () => {
    await primary.dispose();
    await standby.dispose();
  });
  const address = await openAddressSwitch(primary.port);
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: `127.0.0.1:${address.port}`,
    WEIR_LOG_LEVEL: 'info',
    ...createLifeQueues().env,
  };
  const weirs = [await startWeir(env), await startWeir(env, ['start', '--roles', 'http'])];
  await weirs[0]?.request('POST', '/v1/sales', { productId: '1001', stock, perUserLimit: 1 });
  const countInstances = async () => {
    const { rows } = await database.query<{ all: number; users: number }>(
      'SELECT count(*)::int AS all, count(DISTINCT user_id)::int AS users FROM instance_logs',
    );
    return rows[0] as { all: number; users: number };
  };
  return {
    ...{ database, primary, standby, address, countInstances },
    weirs: weirs as [RunningWeir, RunningWeir],
  };
}

/**
 * Each user repeats the request until there is an answer about the unit. @returns the entry of each user who
 * has one
 */
async function buyAll(
  weirs: readonly RunningWeir[],
  from: number,
  count: number,
): Promise<Map<number, string>> {
  const entries = new Map<number, string>();
  const users = Array.from({ length: count }, (_, i) => from + i);
  const next = users.values();
  const work = async (weir: RunningWeir) => {
    for (const user of next) {
      await pollUntil(`user ${user} to be answered`, 30_000, async () => {
        const { status, body } = await weir.request('POST', '/v1/sales/1001/buy', { userId: `${user}` });
        expect([200, 202, 409]).toContain(status);
        if (status !== 409) entries.set(user, body.streamId);
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => work(weirs[i % weirs.length] as RunningWeir)));
  return entries;
}

test('a failover that lost the latest buys sells no unit twice and keeps every entry', async () => {
  const { primary, standby, address, weirs, countInstances } = await openSale();
  const old = connectTestRedis(primary.url);
  const replica = connectTestRedis(standby.url);
  await replica.replicaof('127.0.0.1', primary.port);
  await buyAll(weirs, 1, 100);
  await pollUntil('the standby to have the first buys', 15_000, async () =>
    expect(await replica.xlen('stream:seckill:1001')).toBe(100),
  );
  // From here on it receives no replication: units bought now are lost to it.
  await replica.replicaof('NO', 'ONE');
  const latest = await buyAll(weirs, 101, 80);
  await pollUntil('the latest buys to be instances', 15_000, async () =>
    expect((await countInstances()).all).toBe(180),
  );
  address.leadTo(standby.port);
  old.disconnect();
  await primary.kill();

  const after = await buyAll(weirs, 1_001, 400);
  expect(after.size).toBe(stock - 180);
  expect(await buyAll(weirs, 101, 80)).toEqual(latest);
  await pollUntil('every unit to be an instance', 15_000, async () =>
    expect(await countInstances()).toEqual({ all: stock, users: stock }),
  );
  const { body } = await weirs[0].request('GET', '/v1/sales/1001');
  expect(body).toMatchObject({ stock, sold: stock, remaining: 0, restocked: 0, state: 'SOLD_OUT' });
}, 120_000);

test('an empty Redis in the middle of a sale gets the sale back with its buyers', async () => {
  const { primary, weirs, countInstances } = await openSale();
  const first = await buyAll(weirs, 1, 120);
  await pollUntil('the buys to be instances', 15_000, async () =>
    expect((await countInstances()).all).toBe(120),
  );
  await primary.kill();
  await primary.restart();
  expect(await buyAll(weirs, 1, 120)).toEqual(first);
  expect((await buyAll(weirs, 1_001, 300)).size).toBe(stock - 120);
  await pollUntil('every unit to be an instance', 15_000, async () =>
    expect(await countInstances()).toEqual({ all: stock, users: stock }),
  );
  const audit = await weirs[0].request('GET', '/v1/audit');
  const [units] = audit.body.sums.filter(({ name }: { name: string }) => name === 'units');
  expect(units).toMatchObject({ expected: stock, actual: stock, difference: 0, exceptions: [] });
}, 120_000);
