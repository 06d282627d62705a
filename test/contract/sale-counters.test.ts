import { describe, expect, test } from 'vitest';
import { embeddedSaleCounters } from '../../src/adapters/embedded/sale-counters.ts';
import { embeddedStreamReadings } from '../../src/adapters/embedded/stream-readings.ts';
import { postgresRestocks, unlockedRestocks } from '../../src/adapters/postgres/compensations.ts';
import { maxRestockAttempts } from '../../src/adapters/postgres/parked-units.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import { redisStreamReadings } from '../../src/adapters/redis/stream-readings.ts';
import { type HeldUnit, Restock, type SaleCounters } from '../../src/core/compensation/restock.ts';
import type { InstanceId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { Signal } from '../../src/lib/signal.ts';
import { createAll, createProduct, createPurchase, failure } from '../support/parts.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
} from '../support/stores.ts';

const stream = 'stream:seckill:1001';

interface Sale {
  counters: SaleCounters;
  /** stock, sold, remaining, restocked, and restocked ever */
  read(): Promise<number[]>;
  /** How many units this buyer holds. */
  readBought(userId: bigint): Promise<number>;
}

/** A sale of ten units; entry `<n>-0` was sold to user `100 + n`. */
const stores: Record<string, (sold: number) => Promise<Sale>> = {
  async Redis(sold) {
    const redis = connectTestRedis(await createRedisDatabase());
    const keys = saleKeys(stream);
    await redis.xadd(stream, '1-0', 'uid', '101');
    await redis.hset(keys.sale, { number: 1, stock: 10, sold, remaining: 10 - sold, restocked: 0 });
    for (let n = 1; n <= sold; n++) {
      await redis.hset(keys.units, `${n}-0`, `1:${100 + n}`);
      await redis.hincrby(keys.buyers, `${100 + n}`, 1);
    }
    const readings = redisStreamReadings(redis);
    return {
      counters: redisSaleCounters(redis),
      async read() {
        const [sale] = (await readings.read()).sales;
        return sale ? [sale.stock, sale.sold, sale.remaining, sale.restocked, sale.returned] : [];
      },
      readBought: async (userId) => Number((await redis.hget(keys.buyers, `${userId}`)) ?? 0),
    };
  },
  async embedded(sold) {
    const database = await openTestPglite();
    await database.query(
      'INSERT INTO embedded_sales (stream, stock, remaining, sold) VALUES ($1, 10, $2, $3)',
      [stream, 10 - sold, sold],
    );
    for (let n = 1; n <= sold; n++) {
      await database.query(
        'INSERT INTO embedded_sale_units (stream, entry_id, user_id) VALUES ($1, $2, $3)',
        [stream, `${n}-0`, 100 + n],
      );
      await database.query('INSERT INTO embedded_sale_buyers (stream, user_id, bought) VALUES ($1, $2, 1)', [
        stream,
        100 + n,
      ]);
    }
    return {
      counters: embeddedSaleCounters(database),
      async read() {
        const [sale] = (await embeddedStreamReadings(database).readings.read()).sales;
        return sale ? [sale.stock, sale.sold, sale.remaining, sale.restocked, sale.returned] : [];
      },
      async readBought(userId) {
        const [row] = await database.query<{ bought: number }>(
          'SELECT bought FROM embedded_sale_buyers WHERE user_id = $1',
          [userId.toString()],
        );
        return row?.bought ?? 0;
      },
    };
  },
};

const unit = (n: number, of = stream): HeldUnit => ({
  stream: of,
  entryId: `${n}-0` as SourceId,
  userId: BigInt(100 + n) as UserId,
});

describe.each(Object.keys(stores))('the counters of a sale in %s', (name) => {
  const openSale = (sold: number) => (stores[name] as (typeof stores)[string])(sold);

  test('a unit and its buyer’s quota are restocked once, however often it is requested', async () => {
    const sale = await openSale(4);
    expect(await sale.counters.restock([unit(1), unit(2)])).toEqual(['RESTOCKED', 'RESTOCKED']);
    expect(await sale.counters.restock([unit(2), unit(1), unit(3)])).toEqual([
      'RESTOCKED',
      'RESTOCKED',
      'RESTOCKED',
    ]);
    expect(await sale.read()).toEqual([10, 1, 6, 3, 3]);
    expect(await sale.readBought(101n)).toBe(0);
    expect(await sale.readBought(104n)).toBe(1);
  });

  test('the counters restock nothing for an entry that was not sold through them', async () => {
    const sale = await openSale(1);
    expect(await sale.counters.restock([unit(9), unit(1, 'stream:seckill:7'), unit(1)])).toEqual([
      'NO_SALE',
      'NO_SALE',
      'RESTOCKED',
    ]);
    expect(await sale.read()).toEqual([10, 0, 9, 1, 1]);
  });

  test('the counters keep their sum when many restock at the same time', async () => {
    const sale = await openSale(8);
    const all = [1, 2, 3, 4, 5, 6, 7, 8].map((n) => unit(n));
    await Promise.all([all, [...all].reverse(), all.slice(3)].map((units) => sale.counters.restock(units)));
    expect(await sale.read()).toEqual([10, 0, 2, 8, 8]);
  });
});

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('what is owed on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    const ids = await createAll(
      database,
      [1, 2, 3].map((n) => createPurchase({ source: 'SECKILL', scope: stream, sourceId: `${n}-0` })),
    );
    await settleResults(
      database,
      ids.map((id: InstanceId) => failure(id)),
    );
    return database;
  }

  function createRestock(database: Awaited<ReturnType<typeof setUp>>, counters: SaleCounters): Restock {
    return new Restock({
      rows: name === 'PGlite' ? unlockedRestocks(database) : postgresRestocks(database),
      counters,
      signal: new Signal(),
      onRestocked() {},
      onFailure() {},
    });
  }

  test('a requested restock reaches the counters and is done', async () => {
    const database = await setUp();
    const asked: string[] = [];
    const restock = createRestock(database, {
      async restock(units) {
        asked.push(...units.map(({ entryId }) => entryId));
        return units.map(({ entryId }) => (entryId === '2-0' ? 'NO_SALE' : 'RESTOCKED'));
      },
    });
    expect(await restock.restockOnce()).toBe(3);
    expect(await restock.restockOnce()).toBe(0);
    expect(asked.sort()).toEqual(['1-0', '2-0', '3-0']);
    expect(
      await database.query('SELECT source_id, status, outcome FROM compensations ORDER BY source_id'),
    ).toEqual([
      { source_id: '1-0', status: 'DONE', outcome: 'RESTOCKED' },
      { source_id: '2-0', status: 'DONE', outcome: 'NO_SALE' },
      { source_id: '3-0', status: 'DONE', outcome: 'RESTOCKED' },
    ]);
  });

  test('a compensation stays open while the counters are unavailable', async () => {
    const database = await setUp();
    const restock = createRestock(database, {
      restock: () => Promise.reject(new Error('Redis is away')),
    });
    await expect(restock.restockOnce()).rejects.toThrow('Redis is away');
    expect(await database.query("SELECT 1 FROM compensations WHERE status = 'REQUESTED'")).toHaveLength(3);
  });
});

test('units that another process settled count neither as restocked nor as failed', async () => {
  const database = await openTestPglite();
  await createProduct(database);
  const purchases = ['1-0', '2-0'].map((sourceId) =>
    createPurchase({ source: 'SECKILL', scope: stream, sourceId }),
  );
  const ids = await createAll(database, purchases);
  await settleResults(
    database,
    ids.map((id: InstanceId) => failure(id)),
  );
  await database.query('UPDATE compensations SET restock_attempts = $1', [maxRestockAttempts - 1]);
  const claimed = await unlockedRestocks(database).claim(10, async (units) => {
    await database.query("UPDATE compensations SET status = 'DONE', outcome = 'NO_SALE', done_at = now()");
    return units.map(({ entryId }) => (entryId === '1-0' ? 'RESTOCKED' : { failed: 'a test' }));
  });
  expect(claimed).toEqual({ units: 2, outcomes: [], failed: undefined });
  expect(await database.query('SELECT reason FROM parked')).toEqual([]);
});
