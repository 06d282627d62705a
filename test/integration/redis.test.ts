import { describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import type { Database } from '../../src/lib/sql.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase, createRedisDatabase } from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';

const stream = 'stream:seckill:1001';

async function setUp(redisUrl: string) {
  const databaseUrl = await createPostgresDatabase();
  const database = openPostgresServer({ url: databaseUrl, maxConnections: 2, onConnectionError() {} });
  onTestFinished(() => database.close());
  await createProduct(database);
  const weir = await startWeir({
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_SECKILL_MINIDLEMS: '500',
  });
  return { database, weir, redis: connectTestRedis(redisUrl) };
}

async function expectUsers(database: Database, users: readonly number[]): Promise<void> {
  await pollUntil(`instances for users ${users}`, 20_000, async () => {
    const rows = await database.query<{ user_id: string }>(
      'SELECT user_id::text FROM instance_logs ORDER BY user_id',
    );
    expect(rows.map(({ user_id }) => Number(user_id))).toEqual([...users]);
  });
}

describe('the seckill stream on Redis', () => {
  test('a malformed entry is parked and its neighbours become instances', async () => {
    const { database, redis } = await setUp(await createRedisDatabase());
    await redis.xadd(stream, '*', 'uid', '1');
    const id = await redis.xadd(stream, '*', 'uid', 'abc', 'ts', '9');
    await redis.xadd(stream, '*', 'uid', '2');
    await expectUsers(database, [1, 2]);
    const parked = await pollUntil('the parked entry', 10_000, async () => {
      const rows = await database.query<{ source_id: string; reason: string; original: Buffer }>(
        'SELECT * FROM parked',
      );
      expect(rows).toHaveLength(1);
      return rows[0];
    });
    expect(parked).toMatchObject({ source_id: id, reason: 'USER_ID_INVALID' });
    expect(JSON.parse(String(parked?.original))).toEqual(['uid', 'abc', 'ts', '9']);
  });

  test('the consumer group is created again after FLUSHALL, and new winners are read', async () => {
    const { database, redis } = await setUp(await createRedisDatabase());
    await redis.xadd(stream, '*', 'uid', '1');
    await expectUsers(database, [1]);
    await redis.flushdb();
    await redis.xadd(stream, '*', 'uid', '2');
    await expectUsers(database, [1, 2]);
  });

  test('a product whose stream appears later needs no restart', async () => {
    const { database, redis } = await setUp(await createRedisDatabase());
    await redis.xadd(stream, '*', 'uid', '1');
    await expectUsers(database, [1]);
    await createProduct(database, 1002n);
    await redis.xadd('stream:seckill:1002', '*', 'uid', '2');
    await expectUsers(database, [1, 2]);
  });

  test('a Redis that is unavailable from the start is named, and each try counted', async () => {
    const weir = await startWeir({
      WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
      WEIR_DATA_REDIS_ADDR: 'redis://127.0.0.1:1',
    });
    const attempts = () =>
      weir.lines
        .filter(({ event, store }) => event === 'store_failed' && store === 'seckill stream')
        .map(({ attempt }) => attempt);
    await pollUntil('the tenth try', 15_000, async () => expect(attempts()).toContain(10));
    // Each kind of work is counted separately, and of ten failures in a row the first three and the tenth are
    // logged.
    expect([...new Set(attempts())]).toEqual([1, 2, 3, 10]);
    const { body } = await weir.request('GET', '/readyz');
    expect(body.streams).toMatch(/^Redis is .*: connect ECONNREFUSED 127.0.0.1:1$/);
  });

  test('a Redis that is killed or frozen comes back, and no winner that it kept is lost', async () => {
    const server = await startOwnRedis();
    onTestFinished(() => server.dispose());
    const { database, redis, weir } = await setUp(server.url);
    redis.on('error', () => {});
    await redis.xadd(stream, '*', 'uid', '1');
    await expectUsers(database, [1]);
    await redis.config('SET', 'appendfsync', 'always');
    await redis.xadd(stream, '*', 'uid', '2');
    await server.kill();
    await pollUntil('readyz to say so', 15_000, async () => {
      const { status, body } = await weir.request('GET', '/readyz');
      expect(status).toBe(503);
      expect(body.streams).toMatch(/Redis is/);
    });
    await server.restart();
    await pollUntil('Redis to take an entry', 15_000, () => redis.xadd(stream, '*', 'uid', '3'));
    await expectUsers(database, [1, 2, 3]);
    server.pause();
    server.resume();
    await pollUntil('Redis to take an entry', 15_000, () => redis.xadd(stream, '*', 'uid', '4'));
    await expectUsers(database, [1, 2, 3, 4]);
  });
});
