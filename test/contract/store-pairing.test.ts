import { describe, expect, test } from 'vitest';
import { postgresInstallation } from '../../src/adapters/postgres/installation.ts';
import { markQueueOf, rabbitmqMarkedStore } from '../../src/adapters/rabbitmq/installation.ts';
import { redisMarkedStore } from '../../src/adapters/redis/installation.ts';
import {
  adoptStore,
  checkPairing,
  comparePairing,
  verifyPairing,
} from '../../src/ops/installation/pairing.ts';
import { requirePairing, StorePairing } from '../../src/ops/installation/store-pairing.ts';
import { createActor } from '../support/actors.ts';
import {
  connectTestRabbitmq,
  connectTestRedis,
  countMessages,
  createQueueName,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
  rabbitmqUrl,
} from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('an installation on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    const redis = connectTestRedis(await createRedisDatabase());
    return {
      database,
      redis,
      rows: postgresInstallation(database),
      store: redisMarkedStore(redis, 'redis-a:6379'),
    };
  }

  test('an installation marks a new Redis, and uses it again after it lost everything', async () => {
    const { redis, rows, store } = await setUp();
    expect(await checkPairing(rows, store)).toBeUndefined();
    expect(await redis.exists('weir:installation')).toBe(0);
    expect(await verifyPairing(rows, store)).toBeUndefined();
    const mark = await store.readMark();
    expect(mark?.installation).toBe((await rows.read('REDIS')).id);
    await redis.flushdb();
    expect(await verifyPairing(rows, store)).toBeUndefined();
    expect((await store.readMark())?.store).toBe(mark?.store);
  });

  test('an installation refuses an empty Redis at another address until it is adopted', async () => {
    const { redis, rows, store } = await setUp();
    await verifyPairing(rows, store);
    await redis.flushdb();
    const second = redisMarkedStore(redis, 'redis-b:6379');
    const why =
      'this database works with the Redis at redis-a:6379/0, and the one at redis-b:6379/0 is new to it';
    expect(await verifyPairing(rows, second)).toBe(why);
    expect(await checkPairing(rows, second)).toBe(why);
    expect(await redis.exists('weir:installation')).toBe(0);
    await adoptStore(rows, second, createActor());
    expect(await verifyPairing(rows, second)).toBeUndefined();
  });

  test('an installation follows a Redis that was moved with its data', async () => {
    const { rows, redis, store } = await setUp();
    await verifyPairing(rows, store);
    const moved = redisMarkedStore(redis, 'redis-b:6379');
    expect(await verifyPairing(rows, moved)).toBeUndefined();
    expect((await rows.read('REDIS')).paired?.address).toBe('redis-b:6379/0');
  });
});

test('a database refuses the Redis of another installation until it adopts it', async () => {
  const redis = connectTestRedis(await createRedisDatabase());
  const store = redisMarkedStore(redis, 'redis-a');
  const production = postgresInstallation(await openTestPostgres());
  const staging = postgresInstallation(await openTestPostgres());
  expect(await verifyPairing(production, store)).toBeUndefined();
  const why = 'the Redis at redis-a:6379/0 belongs to another installation of Weir';
  expect(await checkPairing(staging, store)).toBe(why);
  expect(await verifyPairing(staging, store)).toBe(why);
  expect(await verifyPairing(production, store)).toBeUndefined();
  await adoptStore(staging, store, createActor());
  expect(await verifyPairing(staging, store)).toBeUndefined();
  expect(await verifyPairing(production, store)).toBe(why);
});

test('a copy of a database is refused while the original is in use', () => {
  const copy = { id: 'one', database: '7/2', paired: { store: 's', address: 'redis-a' } };
  const store = { name: 'Redis', address: 'redis-a' };
  const mark = { installation: 'one', store: 's', database: '7/1' };
  expect(comparePairing(copy, store, { ...mark, seenAgoMs: 10_000 })).toEqual({
    isOurs: false,
    why: 'the Redis at redis-a is in use by another database, of which this one is a copy',
  });
  expect(comparePairing(copy, store, { ...mark, seenAgoMs: 60_000 })).toMatchObject({ isOurs: true });
});

test('a foreign store is neither read nor written until it is adopted', async () => {
  const redis = connectTestRedis(await createRedisDatabase());
  const store = redisMarkedStore(redis, 'redis-a');
  await verifyPairing(postgresInstallation(await openTestPostgres()), store);
  const rows = postgresInstallation(await openTestPostgres());
  const reported: string[] = [];
  const pairing = new StorePairing({ rows, store, onForeign: (why) => reported.push(why) });
  const guarded = requirePairing({ sell: async () => redis.incr('sold') }, ['sell'], pairing);
  for (let times = 0; times < 3; times++) {
    await expect(guarded.sell()).rejects.toMatchObject({ code: 'STORE_MISMATCH' });
  }
  expect([await redis.exists('sold'), reported.length]).toEqual([0, 1]);
  expect(pairing.notReady).toContain('belongs to another installation');
  await adoptStore(rows, store, createActor());
  pairing.forget();
  expect(await guarded.sell()).toBe(1);
  expect(pairing.notReady).toBeUndefined();
});

test('a RabbitMQ carries one mark and is refused to another installation', async () => {
  const model = await connectTestRabbitmq();
  const queue = createQueueName();
  const terms = { queueType: 'quorum' as const, deadLetterQueue: `${queue}.dead-letter` };
  const open = (url = rabbitmqUrl) => rabbitmqMarkedStore(model, { url, queue, terms });
  const production = postgresInstallation(await openTestPostgres());
  const staging = postgresInstallation(await openTestPostgres());
  expect(await verifyPairing(production, open())).toBeUndefined();
  await Promise.all([1, 2, 3].map(() => verifyPairing(production, open())));
  expect(await verifyPairing(production, open())).toBeUndefined();
  expect(await countMessages(markQueueOf(queue))).toBe(1);
  const why = expect.stringContaining('belongs to another installation of Weir');
  expect(await checkPairing(staging, open())).toEqual(why);
  expect(await verifyPairing(staging, open())).toEqual(why);
  await adoptStore(staging, open(), createActor());
  expect(await verifyPairing(staging, open())).toBeUndefined();
  expect(await verifyPairing(production, open())).toEqual(why);
  expect(await countMessages(markQueueOf(queue))).toBe(1);
});
