import { describe, expect, test } from 'vitest';
import { embeddedQueue } from '../../src/adapters/embedded/queue.ts';
import { EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import { shareTransaction } from '../../src/adapters/embedded/share-transaction.ts';
import { embeddedStreamReadings } from '../../src/adapters/embedded/stream-readings.ts';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { postgresAuditStreams } from '../../src/adapters/postgres/audit-streams.ts';
import { postgresRestocks } from '../../src/adapters/postgres/compensations.ts';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { postgresOutbox } from '../../src/adapters/postgres/outbox.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import { redisStreamReadings } from '../../src/adapters/redis/stream-readings.ts';
import type { InstanceId, ProductId } from '../../src/core/instance/purchase.ts';
import { Relay } from '../../src/core/outbox/relay.ts';
import type { SeckillStreams } from '../../src/core/triggers/seckill-streams.ts';
import { Signal } from '../../src/lib/signal.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { Audit } from '../../src/ops/audit/audit.ts';
import type { StreamReadings } from '../../src/ops/audit/stream-reading.ts';
import { createActor } from '../support/actors.ts';
import {
  createAll,
  createPaidOrder,
  createProduct,
  createPurchase,
  failure,
  success,
} from '../support/parts.ts';
import { requestRefundOf } from '../support/request-refund.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
} from '../support/stores.ts';

const stream = 'stream:seckill:1001';

interface Streams {
  streams: SeckillStreams & { add(stream: string, entries: readonly string[][]): Promise<string[]> };
  readingsOn: (database: Database) => { database: Database; readings: StreamReadings };
  /** Removes entries from the store, which no part of Weir does. */
  remove(id: string): Promise<unknown>;
}

const setUps: Record<string, () => Promise<Streams & { database: Database }>> = {
  async 'PGlite and embedded streams'() {
    const database = await openTestPglite();
    const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer: true });
    const remove = (id: string) => database.query('DELETE FROM embedded_stream WHERE entry_id = $1', [id]);
    return { database, streams, readingsOn: embeddedStreamReadings, remove };
  },
  async 'PostgreSQL and Redis'() {
    const database = await openTestPostgres();
    const url = await createRedisDatabase();
    const [commands, reader] = [connectTestRedis(url), connectTestRedis(url)];
    const streams = new RedisSeckillStreams(commands, reader);
    return {
      database,
      streams,
      readingsOn: (on) => ({ database: on, readings: redisStreamReadings(commands) }),
      remove: (id) => commands.xdel(stream, id),
    };
  },
};

function differences({ sums }: Audit): Record<string, number> {
  return Object.fromEntries(
    sums.filter(({ difference }) => difference !== 0).map(({ name, difference }) => [name, difference]),
  );
}

function exceptionsOf({ sums }: Audit): string[] {
  return sums.flatMap(({ name, exceptions }) => exceptions.map(({ id }) => `${name}: ${id}`));
}

describe.each(Object.keys(setUps))('the audit on %s', (name) => {
  async function setUp() {
    const parts = await (setUps[name] as (typeof setUps)[string])();
    const { database, readingsOn, streams } = parts;
    const view = shareTransaction(database);
    await createProduct(database);
    const relay = new Relay(
      {
        outbox: postgresOutbox(view, { claimTimeoutMs: 30_000 }),
        publisher: embeddedQueue(view, 'created'),
        signal: new Signal(),
        onPublished() {},
        onRefused() {},
        onFailure() {},
      },
      { windowEvents: 2_000, maxIdleMs: 50, maxRefusals: 3 },
    );
    const runAudit = (options = {}) => {
      const { database: on, readings } = readingsOn(database);
      return audit(on, readings, options);
    };
    const addEntries = (count: number) =>
      streams.add(
        stream,
        Array.from({ length: count }, (_, i) => ['uid', `${i + 1}`]),
      );
    /** The work of the trigger: read, create, acknowledge. */
    const takeIn = async (count: number) => {
      await streams.discover();
      const batches = await streams.read(count, 50);
      const entries = batches.flatMap((batch) => batch.entries);
      const ids = await createAll(
        database,
        entries.map(({ id, fields }) =>
          createPurchase({
            source: 'SECKILL',
            scope: stream,
            sourceId: id,
            userId: BigInt(fields?.uid ?? 0),
          }),
        ),
      );
      await streams.acknowledge(
        stream,
        entries.map(({ id }) => id),
      );
      return ids;
    };
    return { ...parts, relay, runAudit, addEntries, takeIn };
  }

  /** Some of everything: 4 of the sale, 2 orders, a gift, late and cancelled payments. */
  async function live({ database, relay, addEntries, takeIn }: Awaited<ReturnType<typeof setUp>>) {
    await addEntries(4);
    const winners = await takeIn(10);
    const orders = postgresOrders(database);
    const purchases = [await createPaidOrder(database, 'ORD1'), await createPaidOrder(database, 'ORD2')];
    const ordered = await createAll(database, [...purchases, createPurchase({ sourceId: 'GIFT' })]);
    await createPaidOrder(database, 'ORD3');
    await orders.cancelOrder('ORD3', createActor());
    const cancelled = await orders.findOrder('ORD3');
    if (cancelled) await requestRefundOf(database, cancelled, 1n);
    await relay.relayOnce();
    await settleResults(database, [
      success(winners[0] as InstanceId),
      failure(winners[1] as InstanceId),
      success(ordered[0] as InstanceId),
      failure(ordered[1] as InstanceId),
      failure(ordered[2] as InstanceId),
    ]);
    return { winners, ordered };
  }

  test('the audit of an empty installation holds', async () => {
    const { runAudit } = await setUp();
    expect(await runAudit()).toMatchObject({ ok: true });
  });

  test('the audit holds at every moment of an ordinary life', async () => {
    const parts = await setUp();
    const { runAudit, addEntries, takeIn, relay, database } = parts;
    const expectHolds = async () => {
      const found = await runAudit();
      expect(differences(found)).toEqual({});
      expect(found.ok).toBe(true);
    };
    await addEntries(3);
    await expectHolds();
    await takeIn(2);
    await expectHolds();
    await relay.relayOnce();
    await expectHolds();
    await live(parts);
    await expectHolds();
    await relay.relayOnce();
    await expectHolds();
    const [bad] = await addEntries(1);
    const item = { origin: 'STREAM' as const, source: 'SECKILL', scope: stream, original: Buffer.alloc(0) };
    await parkItems(database, [{ ...item, reason: 'USER_ID_INVALID', detail: 'x', sourceId: bad as string }]);
    await expectHolds();
  });

  test('the audit holds for an entry that is committed and not acknowledged yet', async () => {
    const { runAudit, addEntries, streams, database } = await setUp();
    await addEntries(3);
    await streams.discover();
    const [batch] = await streams.read(2, 50);
    await createAll(
      database,
      (batch?.entries ?? []).map(({ id }) =>
        createPurchase({ source: 'SECKILL', scope: stream, sourceId: id }),
      ),
    );
    expect(differences(await runAudit())).toEqual({});
  });

  test('the audit finds entries that were deleted before they were read', async () => {
    const { runAudit, addEntries, remove } = await setUp();
    const [first] = await addEntries(3);
    await runAudit();
    await remove(first as string);
    const found = await runAudit();
    expect(differences(found)).toEqual({ entries: -1 });
    expect(exceptionsOf(found)).toEqual([`entries: ${stream}`]);
  });

  test('the audit finds a row that was removed by hand', async () => {
    const parts = await setUp();
    await live(parts);
    await parts.database.query("DELETE FROM instance_logs WHERE source_id = 'ORD1'");
    const found = await parts.runAudit();
    expect(differences(found)).toEqual({ events: 1, orders: -1 });
    expect(exceptionsOf(found)).toContain('orders: ORD1');
  });

  test('the audit finds an event that was dropped', async () => {
    const parts = await setUp();
    await createAll(parts.database, [createPurchase({}), createPurchase({})]);
    await parts.database.query('DELETE FROM outbox');
    expect(differences(await parts.runAudit())).toEqual({ events: -2 });
  });

  test('the audit finds a refund and a unit that were forgotten', async () => {
    const parts = await setUp();
    const { winners, ordered } = await live(parts);
    await parts.database.query(
      "DELETE FROM compensations WHERE kind <> 'NOTHING' AND instance_id IS NOT NULL",
    );
    const found = await parts.runAudit();
    expect(differences(found)).toEqual({ refunds: -1, restocked: -1 });
    expect(exceptionsOf(found).sort()).toEqual([`refunds: ${ordered[1]}`, `restocked: ${winners[1]}`]);
  });

  test('the audit finds an order that was paid and got nothing', async () => {
    const parts = await setUp();
    await createPaidOrder(parts.database, 'ORD9');
    await parts.database.query("UPDATE orders SET status = 'PAID', paid_at = now()");
    const found = await parts.runAudit();
    expect(differences(found)).toEqual({ orders: -1 });
    expect(exceptionsOf(found)).toEqual(['orders: ORD9']);
  });

  test('the audit finds an instance that no rescuer handles', async () => {
    const parts = await setUp();
    const [id] = await createAll(parts.database, [createPurchase({})]);
    await parts.relay.relayOnce();
    await parts.database.query("INSERT INTO overdue VALUES ($1, 2, now() - interval '11 minutes')", [
      `${id}`,
    ]);
    const found = await parts.runAudit();
    expect(differences(found)).toEqual({ unsettled: 1 });
    expect(exceptionsOf(found)).toEqual([`unsettled: ${id}`]);
  });

  test('the audit counts old settled rows once and agrees with a full count', async () => {
    const parts = await setUp();
    const { database, runAudit, relay } = parts;
    await live(parts);
    const late = await createAll(database, [createPurchase({ sourceId: 'LATE' })]);
    await relay.relayOnce();
    const older = async () => {
      await database.query("UPDATE instance_logs SET created_at = created_at - interval '1 hour'");
      await database.query("UPDATE orders SET paid_at = paid_at - interval '1 hour'");
    };
    await older();
    await database.query('INSERT INTO overdue SELECT instance_id FROM instance_logs WHERE status = $1', [
      'PROCESSING',
    ]);
    expect(differences(await runAudit())).toEqual({});
    const [checkpoint] = await database.query<{ id: number; newest: number }>(
      `SELECT instance_log_id::int AS id, (SELECT max(id)::int FROM instance_logs) AS newest FROM audit_checkpoint`,
    );
    expect(checkpoint?.id).toBe(checkpoint?.newest);
    await settleResults(database, [failure(late[0] as InstanceId)]);
    await createAll(database, [await createPaidOrder(database, 'ORD5')]);
    await relay.relayOnce();
    const incremental = await runAudit();
    expect(differences(incremental)).toEqual({});
    const full = await runAudit({ full: true });
    const values = ({ sums }: Audit) =>
      sums.map(({ name, expected, actual }) => ({ name, expected, actual }));
    expect(values(full)).toEqual(values(incremental));
    expect(values(await runAudit())).toEqual(values(incremental));
  });

  test('the audit counts nothing twice when several run at the same time', async () => {
    const parts = await setUp();
    await live(parts);
    await parts.database.query("UPDATE instance_logs SET created_at = created_at - interval '1 hour'");
    await Promise.allSettled([1, 2, 3].map(() => parts.runAudit()));
    expect(differences(await parts.runAudit())).toEqual({});
  });
});

describe('a stream that started over', () => {
  async function setUp() {
    const database = await openTestPostgres();
    await createProduct(database);
    const redis = connectTestRedis(await createRedisDatabase());
    const add = async (count: number) => {
      const ids: string[] = [];
      for (let i = 0; i < count; i++) ids.push((await redis.xadd(stream, '*', 'uid', '1')) as string);
      return ids;
    };
    const take = (ids: readonly string[]) =>
      createAll(
        database,
        ids.map((id) => createPurchase({ source: 'SECKILL', scope: stream, sourceId: id })),
      );
    await redis.xgroup('CREATE', stream, 'weir', '0', 'MKSTREAM');
    /** Delivered and acknowledged. */
    const finish = async (ids: readonly string[]) => {
      await redis.xreadgroup('GROUP', 'weir', 'test', 'COUNT', ids.length, 'STREAMS', stream, '>');
      await redis.xack(stream, 'weir', ...ids);
    };
    const runAudit = async () => {
      await database.query('DELETE FROM outbox');
      const found = await audit(database, redisStreamReadings(redis));
      return found.sums.find(({ name }) => name === 'entries') as (typeof found.sums)[number];
    };
    return { database, redis, add, take, finish, runAudit };
  }

  test('a stream that started over is reported with its lost entries until acknowledged', async () => {
    const { database, redis, add, runAudit } = await setUp();
    await add(5);
    expect(await runAudit()).toMatchObject({ difference: 0, exceptions: [] });
    await redis.del(stream);
    for (let i = 0; i < 2; i++) {
      const found = await runAudit();
      expect(found.exceptions).toHaveLength(1);
      expect(found.exceptions[0]).toMatchObject({
        code: 'STREAM_RESTARTED_WITH_LOSS',
        params: { lost: '5' },
      });
    }
    await add(1);
    expect((await runAudit()).exceptions).toHaveLength(1);
    expect(await postgresAuditStreams(database).acceptStream(stream, createActor())).toBe(true);
    expect(await runAudit()).toMatchObject({ difference: 0, exceptions: [] });
    const [gone] = await add(2);
    await runAudit();
    await redis.xdel(stream, gone as string);
    expect((await runAudit()).difference).toBe(-1);
    expect(await postgresAuditStreams(database).acceptStream('stream:seckill:none', createActor())).toBe(
      false,
    );
  });

  test('a stream that started over is noticed although it has more entries than before', async () => {
    const { redis, add, take, finish, runAudit } = await setUp();
    const first = await add(3);
    await take(first);
    await finish(first);
    expect((await runAudit()).difference).toBe(0);
    await redis.del(stream);
    await redis.xgroup('CREATE', stream, 'weir', '0', 'MKSTREAM');
    const second = await add(4);
    await take(second);
    await finish(second);
    expect((await runAudit()).exceptions).toHaveLength(1);
  });

  test('a stream whose entries come twice after a restore counts them once', async () => {
    const { database, redis, add, take, finish, runAudit } = await setUp();
    const ids = await add(4);
    await take(ids);
    await finish(ids);
    expect((await runAudit()).difference).toBe(0);
    // Restored from an older copy: two of the four, and none of them was read.
    await redis.del(stream);
    for (const id of ids.slice(0, 2)) await redis.xadd(stream, id, 'uid', '1');
    expect((await runAudit()).exceptions).toHaveLength(1);
    await redis.xgroup('CREATE', stream, 'weir', '0');
    await finish(ids.slice(0, 2));
    await runAudit();
    await postgresAuditStreams(database).acceptStream(stream, createActor());
    expect(await runAudit()).toMatchObject({ difference: 0, exceptions: [] });
    expect(await runAudit()).toMatchObject({ difference: 0, exceptions: [] });
  });

  test('a stream that started over before the first audit is taken as it is', async () => {
    const { redis, add, take, finish, runAudit } = await setUp();
    const first = await add(3);
    await take(first);
    await redis.del(stream);
    await redis.xgroup('CREATE', stream, 'weir', '0', 'MKSTREAM');
    const second = await add(1);
    await take(second);
    await finish(second);
    expect(await runAudit()).toMatchObject({ difference: 0, exceptions: [] });
  });
});

test('units that Redis restocked and lost are found, and hold once they are due again', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const redis = connectTestRedis(await createRedisDatabase());
  const keys = saleKeys(stream);
  const id = (await redis.xadd(stream, '*', 'uid', '7')) as string;
  await redis.hset(keys.sale, { number: 1, stock: 3, sold: 1, remaining: 2, restocked: 0 });
  await redis.hset(keys.units, id, '1:7');
  const purchase = createPurchase({ source: 'SECKILL', scope: stream, sourceId: id });
  const [instanceId] = (await createAll(database, [purchase])) as [InstanceId];
  await settleResults(database, [failure(instanceId)]);
  const rows = postgresRestocks(database);
  await rows.claim(10, redisSaleCounters(redis).restock);
  const runAudit = async () => {
    const { sums } = await audit(database, redisStreamReadings(redis));
    return sums.find(({ name }) => name === 'returned');
  };
  expect(await runAudit()).toMatchObject({ expected: 1, actual: 1 });
  await redis.hset(keys.sale, { sold: 1, restocked: 0, returned: 0 });
  await redis.hset(keys.units, id, '1:7');
  expect(await runAudit()).toMatchObject({ expected: 1, actual: 0, exceptions: [{ id: stream }] });
  const inAnHour = new Date(Date.now() + 3_600_000);
  expect(await postgresRestocks(database).requeueRestock(1001n as ProductId, inAnHour, createActor())).toBe(
    0,
  );
  for (let times = 0; times < 2; times++) {
    expect(
      await postgresRestocks(database).requeueRestock(1001n as ProductId, undefined, createActor()),
    ).toBe(1);
    await rows.claim(10, redisSaleCounters(redis).restock);
    expect(await runAudit()).toMatchObject({ expected: 1, actual: 1, exceptions: [] });
    expect(await redis.hmget(keys.sale, 'sold', 'restocked', 'returned')).toEqual(['0', '1', '1']);
  }
});
