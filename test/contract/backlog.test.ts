import { describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import { readEmbeddedBacklog } from '../../src/adapters/embedded/stream-backlog.ts';
import type { StreamFeed } from '../../src/adapters/http/routes/try.ts';
import { createBacklogReader } from '../../src/adapters/postgres/backlog.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { postgresWorkerLeases } from '../../src/adapters/postgres/worker-leases.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import { readStreamBacklog } from '../../src/adapters/redis/stream-backlog.ts';
import { listStreams } from '../../src/adapters/redis/stream-readings.ts';
import type { SeckillStreams } from '../../src/core/triggers/seckill-streams.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { StreamBacklog } from '../../src/ops/live/backlog.ts';
import { createAll, createProduct, createPurchase, failure, success } from '../support/parts.ts';
import { createRedisDatabase, openTestPglite, openTestPostgres } from '../support/stores.ts';

const anHourMs = 3_600_000;
/** Within a minute of an hour: the delays of a slow machine do not matter. */
const anHour = expect.toSatisfy((ms: number) => ms >= anHourMs && ms < anHourMs + 60_000, 'about an hour');
const justNow = expect.toSatisfy((ms: number) => ms >= 0 && ms < 60_000, 'just now');

async function makeOlder(database: Database, table: string, column: string): Promise<void> {
  await database.query(`UPDATE ${table} SET ${column} = ${column} - interval '1 hour'`);
}

describe.each(Object.entries({ PGlite: openTestPglite, PostgreSQL: openTestPostgres }))(
  'what waits in the database, %s',
  (_, open) => {
    test('the backlog of an unused database is empty', async () => {
      const read = createBacklogReader(await open());
      expect(await read()).toEqual({
        outbox: new Map(),
        parked: new Map(),
        compensations: new Map(),
        processingAgeMs: 0,
        parkedJobs: { count: 0, oldestAgeMs: 0 },
        workerIds: 0,
      });
    });

    test('the backlog is counted by kind and reason, with the age of the oldest', async () => {
      const database = await open();
      await createProduct(database);
      const [a, b] = await createAll(database, [createPurchase({}), createPurchase({ source: 'SECKILL' })]);
      await settleResults(database, [failure(b as never)]);
      const item = {
        origin: 'STREAM' as const,
        detail: '',
        source: 'SECKILL',
        scope: 's',
        original: Buffer.of(),
      };
      await parkItems(database, [
        { ...item, reason: 'INTERNAL', sourceId: '1-0' },
        { ...item, reason: 'INTERNAL', sourceId: '2-0' },
        { ...item, reason: 'ENTRY_DELETED', sourceId: '3-0' },
      ]);
      await database.query(
        "UPDATE parked SET state = 'DISCARDED', resolved_at = now() WHERE source_id = '3-0'",
      );
      for (const [table, column] of [
        ['outbox', 'created_at'],
        ['parked', 'parked_at'],
        ['compensations', 'created_at'],
        ['instance_logs', 'created_at'],
      ] as const) {
        await makeOlder(database, table, column);
      }
      await createAll(database, [createPurchase({})]);
      await postgresWorkerLeases(database).acquire(60_000);
      const backlog = await createBacklogReader(database)();
      expect(backlog.outbox).toEqual(new Map([['CREATED', { count: 3, oldestAgeMs: anHour }]]));
      expect(backlog.parked).toEqual(new Map([['INTERNAL', { count: 2, oldestAgeMs: anHour }]]));
      expect(backlog.compensations).toEqual(new Map([['RESTOCK', { count: 1, oldestAgeMs: anHour }]]));
      expect(backlog.processingAgeMs).toEqual(anHour);
      // createAll has leased one each time.
      expect(backlog.workerIds).toBe(3);
      await settleResults(database, [success(a as never)]);
      expect((await createBacklogReader(database)()).processingAgeMs).toEqual(justNow);
    });

    test('the backlog finds the oldest instance without a result, wherever it stands', async () => {
      const database = await open();
      await createProduct(database);
      const read = createBacklogReader(database);
      const [first] = await createAll(database, [createPurchase({})]);
      await makeOlder(database, 'instance_logs', 'created_at');
      const [second] = await createAll(database, [createPurchase({})]);
      expect((await read()).processingAgeMs).toEqual(anHour);
      // Below the cursor it is listed in overdue.
      await database.query('INSERT INTO overdue (instance_id) VALUES ($1)', [String(first)]);
      await database.query('UPDATE overdue_cursor SET id = (SELECT min(id) FROM instance_logs)');
      expect((await read()).processingAgeMs).toEqual(anHour);
      await settleResults(database, [success(first as never)]);
      expect((await read()).processingAgeMs).toEqual(justNow);
      await settleResults(database, [success(second as never)]);
      expect((await read()).processingAgeMs).toBe(0);
      await createAll(database, [createPurchase({})]);
      expect((await read()).processingAgeMs).toEqual(justNow);
    });
  },
);

interface Store {
  streams: SeckillStreams & StreamFeed;
  read: () => Promise<StreamBacklog>;
}

const stores: Record<string, () => Promise<Store>> = {
  'embedded in PGlite': async () => embedded(await openTestPglite(), true),
  'embedded in PostgreSQL': async () => embedded(await openTestPostgres(), false),
  async Redis() {
    const addr = await createRedisDatabase();
    const connect = (name: string) => {
      const redis = connectRedis({ addr, name, onConnectionError() {} });
      onTestFinished(() => redis.disconnect());
      return new Promise<typeof redis>((resolve) => redis.once('ready', () => resolve(redis)));
    };
    const commands = await connect('commands');
    const streams = new RedisSeckillStreams(commands, await connect('reader'));
    return { streams, read: async () => readStreamBacklog(commands, await listStreams(commands)) };
  },
};

function embedded(database: Database, isOnlyConsumer: boolean): Store {
  const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer });
  return { streams, read: () => readEmbeddedBacklog(database) };
}

describe.each(Object.entries(stores))('what waits on the streams, %s', (_, open) => {
  test('the backlog of the streams counts entries not handed out or not finished', async () => {
    const { streams, read } = await open();
    expect(await read()).toEqual({ streams: 0, undelivered: 0, pending: 0, oldestAgeMs: 0 });
    const users = (count: number) => Array.from({ length: count }, (_, i) => ['uid', String(i + 1)]);
    await streams.add('stream:seckill:1001', users(3));
    await streams.add('stream:seckill:1002', users(2));
    await streams.discover();
    expect(await read()).toMatchObject({ streams: 2, undelivered: 5, pending: 0 });
    const batches = [...(await streams.read(2, 100))];
    const taken = batches.reduce((sum, { entries }) => sum + entries.length, 0);
    expect(taken).toBeGreaterThan(0);
    expect(await read()).toEqual({
      streams: 2,
      undelivered: 5 - taken,
      pending: taken,
      oldestAgeMs: justNow,
    });
    for (let more = batches; more.length > 0; more = await streams.read(10, 100)) {
      for (const { stream, entries } of more)
        await streams.acknowledge(
          stream,
          entries.map(({ id }) => id),
        );
    }
    expect(await read()).toEqual({ streams: 2, undelivered: 0, pending: 0, oldestAgeMs: 0 });
  });
});

test('an entry is as old as its id says, by the clock of Redis', async () => {
  const addr = await createRedisDatabase();
  const redis = connectRedis({ addr, name: 'test', onConnectionError() {} });
  onTestFinished(() => redis.disconnect());
  await new Promise((resolve) => redis.once('ready', resolve));
  const id = `${Date.now() - anHourMs}-0`;
  await redis.xadd('stream:seckill:1001', id, 'uid', '1');
  await redis.xgroup('CREATE', 'stream:seckill:1001', 'weir', '0');
  expect(await readStreamBacklog(redis, ['stream:seckill:1001', 'stream:seckill:gone'])).toEqual({
    streams: 2,
    undelivered: 1,
    pending: 0,
    oldestAgeMs: anHour,
  });
  await redis.xreadgroup('GROUP', 'weir', 'c', 'STREAMS', 'stream:seckill:1001', '>');
  await redis.set('stream:seckill:text', 'no stream');
  await expect(readStreamBacklog(redis, ['stream:seckill:text'])).rejects.toThrow('WRONGTYPE');
  const [pending] = [await readStreamBacklog(redis, ['stream:seckill:1001'])];
  expect(pending).toMatchObject({ undelivered: 0, pending: 1, oldestAgeMs: anHour });
});
