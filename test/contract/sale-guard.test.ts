import type { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { postgresAuditStreams } from '../../src/adapters/postgres/audit-streams.ts';
import { postgresInstanceLogs } from '../../src/adapters/postgres/instance-logs.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import { redisStreamReadings } from '../../src/adapters/redis/stream-readings.ts';
import { describeStatement } from '../../src/api/describe.ts';
import type { ProductId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { SeckillStreamTrigger } from '../../src/core/triggers/seckill-stream.ts';
import type { Database } from '../../src/lib/sql.ts';
import { requirePairing, type StorePairing } from '../../src/ops/installation/store-pairing.ts';
import type { Buyer, CheckoutOutcome } from '../../src/sale/checkout.ts';
import { guardedCheckout } from '../../src/sale/guarded-checkout.ts';
import { SaleGuard } from '../../src/sale/sale-guard.ts';
import { createActor } from '../support/actors.ts';
import { createCreation, createProduct, failure } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openRedisSales, saleTerms } from '../support/sales.ts';
import { connectTestRedis, createRedisDatabase, openTestPostgres } from '../support/stores.ts';

const product = 1001n as ProductId;
const stream = 'stream:seckill:1001';

async function openGuardedSale(part: Parameters<typeof saleTerms>[0] = {}) {
  const url = await createRedisDatabase();
  const redis = connectTestRedis(url);
  const database = await openTestPostgres();
  await createProduct(database);
  const { sales, checkout: bare, ledger, live } = await openRedisSales(redis, database);
  const verify = (id: ProductId) => guard.ready(id);
  const { checkout: verifying } = await openRedisSales(redis, database, { acknowledge: 'memory', verify });
  const rebuilt: string[] = [];
  const closed: string[] = [];
  let afterRead = async () => {};
  const read: typeof live.read = async (streams) => {
    const found = await live.read(streams);
    const then = afterRead;
    afterRead = async () => {};
    await then();
    return found;
  };
  const guard = new SaleGuard({
    ...{ ledger, live: { ...live, read } },
    onRebuilt: (_, why) => rebuilt.push(why),
    onClosed: (_, why) => closed.push(why),
    onFailure: () => {},
  });
  await sales.open(saleTerms(part), createActor());
  await guard.checkSales();
  const guarded = guardedCheckout(verifying, guard);
  const buy = async (user: number, rest: Partial<Buyer> = {}, checkout = guarded) => {
    const buyer = { userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined, ...rest };
    const [outcome] = await checkout.buy(product, [buyer]);
    return outcome as CheckoutOutcome;
  };
  return {
    /** Resolves when the guard has read the counters the next time. */
    afterRead: (then: () => Promise<void>) => {
      afterRead = then;
    },
    ...{
      redis,
      database,
      sales,
      bare,
      verifying,
      guard,
      buy,
      rebuilt,
      closed,
      counters: redisSaleCounters(redis),
    },
    buyAll: async (users: readonly number[], checkout = guarded) => {
      const kinds: string[] = [];
      for (const user of users) kinds.push((await buy(user, {}, checkout)).kind);
      return kinds;
    },
    ...readFromStream(database, redis, url),
    read: async () => {
      const sale = await sales.find(product);
      return sale && [sale.stock, sale.sold, sale.remaining, sale.restocked];
    },
  };
}

/** Reads the stream like the role ingest, until every entry is an instance or parked. */
function readFromStream(database: Database, redis: Redis, url: string) {
  const streams = new RedisSeckillStreams(redis, connectTestRedis(url));
  const creation = createCreation(database);
  const stopping = new AbortController();
  const trigger = new SeckillStreamTrigger(
    {
      streams,
      createInstances: creation.createInstances,
      findFinished: postgresInstanceLogs(database).findFinished,
      park: (entries) =>
        parkItems(
          database,
          entries.map(({ id, error, original }) => ({
            ...{ origin: 'STREAM' as const, reason: error.code, detail: error.message, original },
            ...{ source: 'SECKILL', scope: stream, sourceId: id },
          })),
        ),
      hasRoom: () => true,
      isTransient: () => false,
      onParked: () => {},
      onFailure: () => {},
    },
    {
      ...{ batchSize: 500, maxInFlight: 1, blockMs: 20, discoverEveryMs: 20, takeOverEveryMs: 60_000 },
      ...{ minIdleMs: 60_000, maxDeliveries: 16, trimEveryMs: 60_000, keepFinishedMs: 60_000 },
    },
  );
  let reading: Promise<void> | undefined;
  const startReading = () => {
    reading = trigger.run(stopping.signal);
  };
  onTestFinished(async () => {
    stopping.abort();
    await reading;
  });
  /** Reads until that many entries are finished, and no further. */
  const readAll = async (count: number) => {
    const finished = new AbortController();
    const run = trigger.run(finished.signal);
    await pollUntil(`${count} entries to be read`, 15_000, async () => {
      const rows = await database.query(
        "SELECT 1 FROM instance_logs UNION ALL SELECT 1 FROM parked WHERE origin = 'STREAM'",
      );
      expect(rows.length).toBe(count);
      expect(await redis.xpending(stream, 'weir')).toMatchObject({ 0: 0 });
    });
    finished.abort();
    await run;
  };
  return { startReading, readAll };
}

/**
 * The present content of Redis, restored later like by a failover to a server that lacks the latest writes.
 */
async function remember(redis: Redis) {
  const kept = await Promise.all(
    (await redis.keys('*')).map(async (key) => [key, await redis.dumpBuffer(key)] as const),
  );
  return async () => {
    await redis.flushdb();
    for (const [key, bytes] of kept) if (bytes) await redis.restore(key, 0, bytes);
  };
}

const countInstances = async (database: Database) =>
  (await database.query<{ user_id: string }>('SELECT user_id::text FROM instance_logs ORDER BY user_id')).map(
    ({ user_id }) => Number(user_id),
  );
const streamIdOf = (outcome: CheckoutOutcome) => ('streamId' in outcome ? outcome.streamId : undefined);

test('a sale whose Redis lost everything keeps its terms, its holders and its stock', async () => {
  const { redis, buy, buyAll, readAll, read, guard, rebuilt, database, sales } = await openGuardedSale({
    stock: 4,
  });
  const first = await buy(11);
  await buyAll([12, 13]);
  await readAll(3);
  await sales.change(product, { addStock: 1 }, createActor());
  await redis.flushdb();
  guard.forget();
  expect(await buy(11)).toEqual({ kind: 'repeat', streamId: streamIdOf(first) });
  expect(rebuilt).toEqual(['its counters are gone']);
  expect(await read()).toEqual([5, 3, 2, 0]);
  expect(await buyAll([13, 14, 15, 16])).toEqual(['repeat', 'accepted', 'accepted', 'SOLD_OUT']);
  await readAll(5);
  expect(await countInstances(database)).toEqual([11, 12, 13, 14, 15]);
});

test('a Redis that lost its latest buys sells no unit twice and keeps every entry', async () => {
  const { redis, buy, buyAll, readAll, read, guard, database } = await openGuardedSale({ stock: 6 });
  await buyAll([11, 12]);
  await readAll(2);
  const goBack = await remember(redis);
  const lost = await buy(13);
  await buyAll([14, 15]);
  await readAll(5);
  await goBack();
  guard.forget();
  expect(await buyAll([21])).toEqual(['accepted']);
  expect(await buy(13)).toEqual({ kind: 'repeat', streamId: streamIdOf(lost) });
  expect(await buyAll([14, 22])).toEqual(['repeat', 'SOLD_OUT']);
  await readAll(6);
  expect(await countInstances(database)).toEqual([11, 12, 13, 14, 15, 21]);
  expect(await read()).toEqual([6, 6, 0, 0]);
});

test('a buy during a reconnect is compared with the database first', async () => {
  const sale = await openGuardedSale({ stock: 6 });
  await sale.buyAll([11, 12]);
  await sale.readAll(2);
  const goBack = await remember(sale.redis);
  await sale.buyAll([13, 14]);
  await sale.readAll(4);
  let isReplaced = false;
  // Any wait before the buy is sent, such as reading the mark of the installation.
  const require = async () => {
    if (isReplaced) return;
    isReplaced = true;
    await goBack();
    sale.guard.forget();
  };
  const waiting = requirePairing(sale.verifying, ['buy'], { require } as unknown as StorePairing);
  const bought = guardedCheckout(waiting, sale.guard);
  expect(await sale.buyAll([21, 22, 23], bought)).toEqual(['accepted', 'accepted', 'SOLD_OUT']);
  expect(sale.rebuilt).toEqual(['the store knows 2 sold units, and 4 were sold']);
  await sale.readAll(6);
  expect(await countInstances(sale.database)).toEqual([11, 12, 13, 14, 21, 22]);
});

test('a comparison during which the connection is replaced is made again', async () => {
  const sale = await openGuardedSale({ stock: 6 });
  await sale.buyAll([11]);
  await sale.readAll(1);
  const goBack = await remember(sale.redis);
  await sale.buyAll([12, 13]);
  await sale.readAll(3);
  sale.guard.forget();
  sale.afterRead(async () => {
    await goBack();
    sale.guard.forget();
  });
  expect(await sale.buyAll([21, 22, 23, 24])).toEqual(['accepted', 'accepted', 'accepted', 'SOLD_OUT']);
  await sale.readAll(6);
  expect(await countInstances(sale.database)).toEqual([11, 12, 13, 21, 22, 23]);
});

test('a unit that was sold twice before the loss was noticed becomes one instance', async () => {
  const { redis, bare, buyAll, readAll, read, guard, database, rebuilt } = await openGuardedSale({
    ...{ stock: 3, perUserLimit: 1 },
  });
  const goBack = await remember(redis);
  expect(await buyAll([11, 12], bare)).toEqual(['accepted', 'accepted']);
  await readAll(2);
  await goBack();
  // 11 has an instance that Redis has forgotten; 21 and 22 buy units that are instances already.
  expect(await buyAll([21, 11, 22], bare)).toEqual(['accepted', 'accepted', 'accepted']);
  await readAll(5);
  const parked = await database.query('SELECT reason, count(*)::int FROM parked GROUP BY reason');
  expect(parked).toEqual([{ reason: 'UNIT_SOLD_TWICE', count: 2 }]);
  const users = await countInstances(database);
  expect([users.slice(0, 2), users.length, new Set(users).size]).toEqual([[11, 12], 3, 3]);
  await guard.distrust(stream);
  expect(rebuilt).toEqual(['a unit was sold twice']);
  expect(await read()).toEqual([3, 3, 0, 0]);
});

test('a user never has more instances than the limit, whatever Redis forgot', async () => {
  const { redis, bare, buy, readAll, database } = await openGuardedSale({ stock: 9, perUserLimit: 2 });
  const goBack = await remember(redis);
  await buy(11, { idempotencyKey: 'a' }, bare);
  await buy(11, { idempotencyKey: 'b' }, bare);
  await readAll(2);
  await goBack();
  await buy(12, {}, bare);
  await buy(13, {}, bare);
  await buy(11, { idempotencyKey: 'c' }, bare);
  await readAll(5);
  expect((await countInstances(database)).filter((user) => user === 11)).toHaveLength(2);
});

test('a sale is closed while its stream is read to the end, and opens by itself', async () => {
  const { redis, buy, buyAll, startReading, guard, closed, rebuilt, read } = await openGuardedSale({
    stock: 5,
  });
  await buyAll([11, 12]);
  await redis.del(saleKeys(stream).sale);
  guard.forget();
  await expect(buy(13)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(closed[0]).toBe('its counters are gone; its stream has 2 entries that are not finished');
  await expect(buy(11)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  startReading();
  await pollUntil('the guard to rebuild the sale', 15_000, async () => {
    await guard.checkSales();
    expect(rebuilt).toHaveLength(1);
  });
  expect(await buyAll([11, 13])).toEqual(['repeat', 'accepted']);
  expect(await read()).toEqual([5, 3, 2, 0]);
}, 60_000);

test('a unit that went back before the loss is sold again once', async () => {
  const { redis, buy, buyAll, readAll, guard, database, counters, read } = await openGuardedSale({
    stock: 2,
  });
  const first = await buy(11);
  await buyAll([12]);
  await readAll(2);
  const [row] = await database.query<{ id: string }>(
    'SELECT instance_id::text AS id FROM instance_logs ORDER BY id',
  );
  await settleResults(database, [failure(BigInt(row?.id ?? 0) as never)]);
  const unit = { stream, entryId: streamIdOf(first) as SourceId, userId: 11n as UserId };
  await counters.restock([unit]);
  await database.query("UPDATE compensations SET status = 'DONE', outcome = 'RESTOCKED', done_at = now()");
  await redis.flushdb();
  await guard.checkSales();
  expect(await read()).toEqual([2, 1, 0, 1]);
  await counters.restock([unit]);
  expect(await buyAll([12, 13, 14])).toEqual(['repeat', 'accepted', 'SOLD_OUT']);
});

test('a pause and added stock that Redis lost are applied again', async () => {
  const { redis, buyAll, guard, sales } = await openGuardedSale({ stock: 2 });
  const goBack = await remember(redis);
  await sales.change(product, { action: 'pause', addStock: 3 }, createActor());
  await goBack();
  await guard.checkSales();
  expect(await buyAll([11])).toEqual(['PAUSED']);
  expect(await sales.find(product)).toMatchObject({ stock: 5, remaining: 5, state: 'PAUSED' });
});

test('keys and tickets give their first answer after Redis lost everything', async () => {
  const { redis, bare, buy, readAll, guard } = await openGuardedSale({
    ...{ stock: 9, perUserLimit: 3, admitPerSecond: 1_000_000 },
  });
  const given = await bare.issueTicket(product, { userId: 11n as UserId, unit: 2 });
  if (!('number' in given)) throw new Error(`no ticket: ${given.kind}`);
  const ticket = { productId: product, userId: 11n as UserId, unit: 2, ...given };
  const first = await pollUntil('the ticket to admit', 5_000, async () => {
    const outcome = await buy(11, { ticket });
    expect(outcome.kind).toBe('accepted');
    return outcome;
  });
  await readAll(1);
  await redis.flushdb();
  await guard.checkSales();
  expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: streamIdOf(first) });
});

test('the audit counts and names what Redis sold and lost, and nothing else', async () => {
  const { redis, buy, buyAll, readAll, guard, database } = await openGuardedSale({ stock: 9 });
  const runAudit = async () => {
    const { sums } = await audit(database, redisStreamReadings(redis));
    const [sum] = sums.filter(({ name }) => name === 'units');
    return {
      difference: sum?.difference,
      what: sum?.exceptions.map((exception) => describeStatement(exception)),
    };
  };
  await buyAll([11, 12]);
  expect(await runAudit()).toEqual({ difference: 0, what: [] });
  await readAll(2);
  const goBack = await remember(redis);
  // Three buys that become instances before Redis forgets them: nothing is lost.
  await buyAll([13, 14, 15]);
  await readAll(5);
  await guard.checkSales();
  await goBack();
  await guard.checkSales();
  expect(await runAudit()).toEqual({ difference: 0, what: [] });
  // Two buys that Redis forgets before they are read, and one entry that is deleted.
  const keep = await remember(redis);
  const [, second] = [await buy(16), await buy(17)];
  await guard.checkSales();
  await keep();
  await guard.checkSales();
  expect((await runAudit()).what?.join()).toMatch(
    /^Redis lost 2 units before .*: their buyers have nothing$/,
  );
  expect(second.kind).toBe('accepted');
  expect(await postgresAuditStreams(database).acceptStream(stream, createActor())).toBe(true);
  expect(await runAudit()).toEqual({ difference: 0, what: [] });
  const deleted = await buy(18);
  await redis
    .multi()
    .xdel(stream, streamIdOf(deleted) ?? '')
    .exec();
  const found = await runAudit();
  if (found.difference === -1) {
    expect(found.what?.join()).toContain(`entry ${streamIdOf(deleted)} of user 18 is gone`);
  }
});

test('ids of entries differ and grow when the clock of Redis is behind the stream', async () => {
  const { redis, buyAll } = await openGuardedSale({ stock: 50 });
  const ahead = Date.now() + 3_600_000;
  await redis.xadd(stream, `${ahead}-5`, 'uid', '9', 'ts', '1');
  await buyAll(Array.from({ length: 20 }, (_, i) => i + 11));
  const ids = (await redis.xrange(stream, '-', '+')).map(([id]) => id);
  expect(new Set(ids).size).toBe(21);
  expect(ids.every((id) => Number(id.split('-')[0]) >= ahead)).toBe(true);
});

test('two servers in the same millisecond give out no id twice', async () => {
  const one = await openGuardedSale({ stock: 400 });
  const goBack = await remember(one.redis);
  const ids = new Set<string>();
  for (let round = 0; round < 2; round++) {
    const buyers = Array.from({ length: 200 }, (_, i) => ({
      ...{ userId: BigInt(i + 1) as UserId, idempotencyKey: undefined, ticket: undefined },
    }));
    for (const outcome of await one.bare.buy(product, buyers)) {
      // Without the milliseconds, which a slower clock repeats.
      ids.add((streamIdOf(outcome) ?? '').split('-')[1] ?? '');
    }
    await goBack();
  }
  expect(ids.size).toBe(400);
});

test('opening a sale after a large one frees its memory in the background', async () => {
  const { redis, sales, buyAll } = await openGuardedSale({ stock: 5 });
  await buyAll([11, 12, 13]);
  await sales.change(product, { action: 'end' }, createActor());
  await redis.config('RESETSTAT');
  await sales.open(saleTerms({ stock: 7 }), createActor());
  const stats = await redis.info('commandstats');
  // DEL of millions of fields blocks Redis for seconds; UNLINK takes milliseconds.
  expect(stats).not.toContain('cmdstat_del:');
  expect(stats).toContain('cmdstat_unlink:');
  const { buyers, entries, order, tickets, keys } = saleKeys(stream);
  expect(await redis.exists(buyers, entries, order, tickets, keys)).toBe(0);
});

test('a sale whose key is damaged keeps no other sale from being rebuilt', async () => {
  const { redis, sales, guard, closed, rebuilt, database } = await openGuardedSale({ stock: 5 });
  await createProduct(database, 1002n);
  await sales.open(saleTerms({ productId: 1002n as ProductId, stock: 7 }), createActor());
  await redis.flushdb();
  await redis.set(saleKeys(stream).sale, 'not a hash');
  await guard.checkSales();
  expect(closed.join()).toContain('its counters are gone; ');
  expect(rebuilt).toEqual(['its counters are gone']);
  expect(await sales.find(1002n as ProductId)).toMatchObject({ stock: 7, remaining: 7 });
  await redis.del(saleKeys(stream).sale);
  await guard.checkSales();
  expect(await sales.find(product)).toMatchObject({ stock: 5, remaining: 5 });
});
