import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { embeddedSaleCounters } from '../../src/adapters/embedded/sale-counters.ts';
import { postgresRestocks, unlockedRestocks } from '../../src/adapters/postgres/compensations.ts';
import { postgresParked } from '../../src/adapters/postgres/parked.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import {
  type FailedUnits,
  type HeldUnit,
  Restock,
  type SaleCounters,
} from '../../src/core/compensation/restock.ts';
import type { SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { ParkedReplay } from '../../src/core/parked/replay.ts';
import { Signal } from '../../src/lib/signal.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from '../support/actors.ts';
import { createAll, createProduct, createPurchase, failure } from '../support/parts.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
  uniqueName,
} from '../support/stores.ts';

const sales = ['stream:seckill:1001', 'stream:seckill:1002'] as const;
const [stream, otherStream] = sales;

const unit = (n: number, of: string = stream): HeldUnit => ({
  stream: of,
  entryId: `${n}-0` as SourceId,
  userId: BigInt(100 + n) as UserId,
});

/** Two sales of ten units, of which entries 1-0 to 3-0 were sold to users 101 to 103. */
async function openSales(redis: Redis): Promise<void> {
  for (const sale of sales) {
    const keys = saleKeys(sale);
    await redis.hset(keys.sale, { number: 1, stock: 10, sold: 3, remaining: 7, restocked: 0, returned: 0 });
    for (const n of [1, 2, 3]) {
      await redis.hset(keys.units, `${n}-0`, `1:${100 + n}`);
      await redis.hset(keys.buyers, `${100 + n}`, 1);
    }
  }
}

const readCounters = (redis: Redis, of: string) =>
  redis.hmget(saleKeys(of).sale, 'sold', 'remaining', 'restocked', 'returned');

describe('a sale in Redis', () => {
  async function setUp() {
    const url = await createRedisDatabase();
    const redis = connectTestRedis(url);
    await openSales(redis);
    return { url, redis, counters: redisSaleCounters(redis) };
  }

  const damages: Record<string, (redis: Redis) => Promise<unknown>> = {
    'the value of one unit': (redis) => redis.hset(saleKeys(stream).units, '2-0', 'garbage'),
    'an empty unit': (redis) => redis.hset(saleKeys(stream).units, '2-0', ''),
    'the count of one buyer': (redis) => redis.hset(saleKeys(stream).buyers, '102', 'many'),
  };
  for (const [what, damage] of Object.entries(damages)) {
    test(`damage of ${what} fails only that unit and changes no counter`, async () => {
      const { redis, counters } = await setUp();
      await damage(redis);
      expect(await counters.restock([unit(1), unit(2), unit(3), unit(1, otherStream)])).toEqual([
        'RESTOCKED',
        { failed: expect.stringMatching(/damaged|whole number/) },
        'RESTOCKED',
        'RESTOCKED',
      ]);
      expect(await readCounters(redis, stream)).toEqual(['1', '7', '2', '2']);
    });
  }

  const breaks: Record<string, (redis: Redis) => Promise<unknown>> = {
    'another type at the key of the sale': (redis) => redis.set(saleKeys(stream).sale, 'x'),
    'another type at the key of its units': (redis) => redis.set(saleKeys(stream).units, 'x'),
    'another type at the key of its buyers': (redis) => redis.set(saleKeys(stream).buyers, 'x'),
    'a counter that is no number': (redis) => redis.hset(saleKeys(stream).sale, 'restocked', 'x'),
  };
  for (const [what, breakSale] of Object.entries(breaks)) {
    test(`${what} fails only the units of that sale`, async () => {
      const { redis, counters } = await setUp();
      await breakSale(redis);
      const failed = { failed: expect.any(String) };
      expect(await counters.restock([unit(1), unit(1, otherStream), unit(2)])).toEqual([
        failed,
        'RESTOCKED',
        failed,
      ]);
      await redis.del(...Object.values(saleKeys(stream)), ...Object.values(saleKeys(otherStream)));
      await openSales(redis);
      expect(await counters.restock([unit(1), unit(2)])).toEqual(['RESTOCKED', 'RESTOCKED']);
      expect(await readCounters(redis, stream)).toEqual(['1', '7', '2', '2']);
    });
  }

  test('a user without permission for one sale, or for HSET, loses no unit', async () => {
    const { url, redis } = await setUp();
    const user = uniqueName('restock');
    const rights = ['+eval', '+evalsha', '+hmget', '+hget', '+hincrby', '+hdel', '+ping', '+info', '+select'];
    await redis.acl('SETUSER', user, 'on', 'nopass', '~*1002*', ...rights, '+hset');
    onTestFinished(async () => {
      await redis.acl('DELUSER', user).catch(() => {});
    });
    const limited = new Redis(url, { username: user, password: 'x' });
    onTestFinished(() => limited.disconnect());
    const counters = redisSaleCounters(limited);
    expect(await counters.restock([unit(1), unit(1, otherStream)])).toEqual([
      { failed: expect.stringMatching(/NOPERM/) },
      'RESTOCKED',
    ]);
    await redis.acl('SETUSER', user, '~*', '-hset');
    expect(await counters.restock([unit(1)])).toEqual([{ failed: expect.any(String) }]);
    await redis.acl('SETUSER', user, '+hset');
    expect(await counters.restock([unit(1)])).toEqual(['RESTOCKED']);
    expect(await readCounters(redis, stream)).toEqual(['2', '7', '1', '1']);
  });

  test('units of a sale that is being rebuilt wait, and those of other sales go back', async () => {
    const { redis, counters } = await setUp();
    await redis.hset(saleKeys(stream).sale, 'rebuild', 'x');
    expect(await counters.restock([unit(1), unit(1, otherStream)])).toEqual([
      { later: expect.stringContaining('being rebuilt') },
      'RESTOCKED',
    ]);
  });

  test('an unavailable Redis is no failure of a unit', async () => {
    const redis = new Redis({
      port: 1,
      lazyConnect: true,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    });
    redis.on('error', () => {});
    await expect(redisSaleCounters(redis).restock([unit(1)])).rejects.toThrow();
  });
});

test('a damaged counter of one embedded sale fails the units of that sale alone', async () => {
  const database = await openTestPglite();
  for (const [i, sale] of sales.entries()) {
    await database.query(
      'INSERT INTO embedded_sales (stream, stock, remaining, sold, restocked) VALUES ($1, 10, $2, $3, $4)',
      i === 0 ? [sale, 10, 0, 0] : [sale, 9, 1, 0],
    );
    await database.query('INSERT INTO embedded_sale_units (stream, entry_id, user_id) VALUES ($1, $2, 101)', [
      sale,
      '1-0',
    ]);
    await database.query('INSERT INTO embedded_sale_buyers (stream, user_id, bought) VALUES ($1, 101, 1)', [
      sale,
    ]);
  }
  expect(await embeddedSaleCounters(database).restock([unit(1), unit(1, otherStream)])).toEqual([
    { failed: expect.stringContaining('check') },
    'RESTOCKED',
  ]);
});

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('a unit that cannot be put back, on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    const ids = await createAll(
      database,
      [1, 2, 3].map((n) => createPurchase({ source: 'SECKILL', scope: stream, sourceId: `${n}-0` })),
    );
    await settleResults(
      database,
      ids.map((id) => failure(id)),
    );
    const asked: string[][] = [];
    const world = { broken: new Set(['2-0']), unavailable: false, isRebuilding: false };
    const failures: FailedUnits[] = [];
    const counters: SaleCounters = {
      async restock(units) {
        if (world.unavailable) throw new Error('connection closed');
        if (world.isRebuilding) return units.map(() => ({ later: 'being rebuilt' }));
        asked.push(units.map(({ entryId }) => entryId).sort());
        return units.map(({ entryId }) =>
          world.broken.has(entryId) ? { failed: 'WRONGTYPE' } : 'RESTOCKED',
        );
      },
    };
    const restock = new Restock({
      rows: name === 'PGlite' ? unlockedRestocks(database) : postgresRestocks(database),
      counters,
      signal: new Signal(),
      onRestocked() {},
      onFailedUnits: (failed) => failures.push(failed),
      onFailure() {},
    });
    return { database, restock, asked, world, failures };
  }

  const readUnit = async (database: Database) => {
    const [row] = await database.query(
      `SELECT status, outcome, restock_attempts AS attempts, restock_error AS error,
         CASE WHEN restock_due_at = 'infinity' THEN 'never'
           WHEN restock_due_at > now() + interval '5 min' THEN 'late'
           WHEN restock_due_at > now() THEN 'soon' ELSE 'due' END AS due
       FROM compensations WHERE source_id = '2-0'`,
    );
    return row;
  };

  const makeDue = (database: Database, attempts: number) =>
    database.query(
      "UPDATE compensations SET restock_due_at = now(), restock_attempts = $1 WHERE source_id = '2-0'",
      [attempts],
    );

  test('a unit that cannot be restocked waits alone, longer each time', async () => {
    const { database, restock, asked, failures } = await setUp();
    expect(await restock.restockOnce()).toBe(3);
    expect(await restock.restockOnce()).toBe(0);
    expect(await database.query("SELECT 1 FROM compensations WHERE outcome = 'RESTOCKED'")).toHaveLength(2);
    expect(await readUnit(database)).toMatchObject({ status: 'REQUESTED', attempts: 1, due: 'soon' });
    await makeDue(database, 10);
    expect(await restock.restockOnce()).toBe(1);
    expect(await readUnit(database)).toMatchObject({ attempts: 11, due: 'late', error: 'WRONGTYPE' });
    expect(asked).toEqual([['1-0', '2-0', '3-0'], ['2-0']]);
    expect(failures).toEqual(Array(2).fill({ count: 1, parked: 0, why: 'WRONGTYPE' }));
  });

  test('a unit is never charged for an unavailable store or a sale that is being rebuilt', async () => {
    const { database, restock, world } = await setUp();
    world.unavailable = true;
    for (let i = 0; i < 25; i++) await expect(restock.restockOnce()).rejects.toThrow('connection closed');
    expect(await readUnit(database)).toMatchObject({ attempts: 0, due: 'due', error: null });
    world.unavailable = false;
    world.isRebuilding = true;
    expect(await restock.restockOnce()).toBe(3);
    expect(await readUnit(database)).toMatchObject({ attempts: 0, due: 'soon', error: null });
    await database.query('UPDATE compensations SET restock_due_at = now()');
    world.isRebuilding = false;
    expect(await restock.restockOnce()).toBe(3);
  });

  async function park() {
    const all = await setUp();
    await all.restock.restockOnce();
    await makeDue(all.database, 19);
    await all.restock.restockOnce();
    const readParked = () =>
      all.database.query<{ id: string; state: string }>(
        "SELECT id::text, origin, reason, detail, source, scope, source_id, state FROM parked WHERE origin = 'COMPENSATION'",
      );
    const desk = new ParkedReplay({
      rows: postgresParked(all.database),
      payOrder: () => Promise.reject(new Error('no payment is replayed here')),
      createInstances: () => Promise.reject(new Error('unused')),
      settle: () => Promise.reject(new Error('unused')),
      isTransient: () => false,
      onResolved() {},
    });
    const [item] = await readParked();
    return { ...all, readParked, desk, item };
  }

  test('a unit that cannot be restocked is parked at last, and a replay restocks it', async () => {
    const { database, restock, world, readParked, desk, item, failures } = await park();
    expect(item).toMatchObject({
      reason: 'RESTOCK_FAILED',
      detail: 'WRONGTYPE',
      source: 'SECKILL',
      scope: stream,
      source_id: '2-0',
      state: 'PARKED',
    });
    expect(failures.at(-1)).toEqual({ count: 1, parked: 1, why: 'WRONGTYPE' });
    expect(await readUnit(database)).toMatchObject({ status: 'REQUESTED', due: 'never' });
    expect(await restock.restockOnce()).toBe(0);

    const id = item?.id as string;
    expect(await desk.replay(id, createActor('ops'))).toMatchObject({ state: 'REPLAYED' });
    expect(await restock.restockOnce()).toBe(1);
    expect(await readParked()).toMatchObject([{ id, state: 'PARKED' }]);

    world.broken.clear();
    expect(await desk.replay(id, createActor('ops'))).toMatchObject({ state: 'REPLAYED' });
    expect(await restock.restockOnce()).toBe(1);
    expect(await readUnit(database)).toMatchObject({ status: 'DONE', outcome: 'RESTOCKED' });
    expect(await readParked()).toMatchObject([{ id, state: 'REPLAYED' }]);
  });

  test('a unit is not owed any more once its parked item is discarded', async () => {
    const { database, restock, desk, item } = await park();
    expect(await desk.discard(item?.id as string, createActor('ops'), 'no sale')).toMatchObject({
      state: 'DISCARDED',
    });
    expect(await readUnit(database)).toMatchObject({ status: 'DONE', outcome: 'NO_SALE' });
    expect(await restock.restockOnce()).toBe(0);
  });
});
