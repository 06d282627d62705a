import { expect, test } from 'vitest';
import type { CreateInstances } from '../../src/core/instance/create-instances.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createCreation, createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openRedisStreams, parkEntries, startTrigger } from '../support/seckill-trigger.ts';
import { connectTestRedis, createRedisDatabase, openTestPostgres } from '../support/stores.ts';

const stream = 'stream:seckill:1001';
const other = 'stream:seckill:1002';
const group = 'weir';

async function setUp() {
  const addr = await createRedisDatabase();
  const database = await openTestPostgres();
  await createProduct(database);
  await createProduct(database, 1002n);
  const redis = connectTestRedis(addr);
  const add = async (to: string, ...users: (number | string)[]) => {
    const ids: string[] = [];
    for (const user of users) ids.push(String(await redis.xadd(to, '*', 'uid', user)));
    return ids;
  };
  return { addr, database, redis, add, createInstances: createCreation(database).createInstances };
}

const readUsers = async (database: Database, on = stream) =>
  (
    await database.query<{ user_id: string }>(
      'SELECT user_id::text FROM instance_logs WHERE scope = $1 ORDER BY user_id',
      [on],
    )
  ).map(({ user_id }) => Number(user_id));

const readParked = (database: Database) =>
  database.query<{ source_id: string; reason: string }>('SELECT source_id, reason, detail FROM parked');

type TestRedis = ReturnType<typeof connectTestRedis>;

const readPending = async (redis: TestRedis, on = stream) =>
  (await redis.xpending(on, group, '-', '+', 100)) as [string, string, number, number][];

const expectUsers = (database: Database, users: number[], on = stream) =>
  pollUntil(`instances of users ${users}`, 10_000, async () =>
    expect(await readUsers(database, on)).toEqual(users),
  );

const expectNothingPending = (redis: TestRedis, on = stream) =>
  pollUntil(`nothing pending on ${on}`, 10_000, async () => expect(await readPending(redis, on)).toEqual([]));

const connectionLost = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const never = () => new Promise<never>(() => {});

/**
 * Waits until the trigger looks for abandoned entries again, then fails: an outage whose error arrives late.
 */
function failAfterTakeOver(streams: Awaited<ReturnType<typeof openRedisStreams>>) {
  let looked = () => {};
  const takeOver = streams.takeOver.bind(streams);
  streams.takeOver = async (...args) => {
    const batches = await takeOver(...args);
    looked();
    return batches;
  };
  return () =>
    new Promise<never>((_, reject) => {
      looked = () => reject(connectionLost());
    });
}

test.each(['at once', 'late'])(
  'an outage of the database that fails %s counts as no delivery',
  async (when) => {
    const { addr, database, redis, add, createInstances } = await setUp();
    const streams = await openRedisStreams(addr);
    const fail = when === 'late' ? failAfterTakeOver(streams) : () => Promise.reject(connectionLost());
    let isDown = true;
    const failing: CreateInstances = (purchases) => (isDown ? fail() : createInstances(purchases));
    const deps = { streams, createInstances: failing };
    const { failures } = await startTrigger(addr, database, deps, { minIdleMs: 100 });
    await add(stream, 1, 2, 3);
    await pollUntil('four failures', 10_000, async () => expect(failures.length).toBeGreaterThanOrEqual(4));
    expect((await readPending(redis)).map(([, , , deliveries]) => deliveries)).toEqual([1, 1, 1]);
    isDown = false;
    await expectUsers(database, [1, 2, 3]);
    await expectNothingPending(redis);
    expect(await readParked(database)).toEqual([]);
  },
);

test('entries that are being committed are taken over by no consumer', async () => {
  const { addr, database, redis, add, createInstances } = await setUp();
  let goOn = () => {};
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let calls = 0;
  const slow: CreateInstances = async (purchases) => {
    calls++;
    await gate;
    return createInstances(purchases);
  };
  await add(stream, 1, 2, 3);
  // It takes over nothing itself: that would keep its own entries from becoming idle.
  await startTrigger(addr, database, { createInstances: slow }, { takeOverEveryMs: 60_000 });
  await pollUntil('the commit to begin', 5_000, async () => expect(calls).toBe(1));
  const streams = await openRedisStreams(addr);
  let looks = 0;
  const takeOver: typeof streams.takeOver = (...args) => {
    looks++;
    return streams.takeOver(...args);
  };
  const counted = new Proxy(streams, {
    get: (target, name) =>
      name === 'takeOver'
        ? takeOver
        : typeof Reflect.get(target, name) === 'function'
          ? Reflect.get(target, name).bind(target)
          : Reflect.get(target, name),
  });
  let begun = 0;
  await startTrigger(addr, database, {
    streams: counted,
    createInstances: (purchases) => {
      begun++;
      return createInstances(purchases);
    },
  });
  const startedAt = performance.now();
  await pollUntil('looks of the other consumer for three times the idle time', 10_000, async () => {
    expect(looks).toBeGreaterThan(5);
    expect(performance.now() - startedAt).toBeGreaterThan(1_000);
  });
  expect([calls, begun]).toEqual([1, 0]);
  goOn();
  await expectUsers(database, [1, 2, 3]);
  await expectNothingPending(redis);
});

test('the one entry that ends the process again and again is parked alone', async () => {
  const { addr, database, redis, add, createInstances } = await setUp();
  const ids = await add(stream, 1, 2, 13, 4, 5);
  for (let life = 1; ; life++) {
    expect(life).toBeLessThan(12);
    let hasEnded = false;
    const deadly: CreateInstances = async (purchases) => {
      if (!purchases.some(({ userId }) => userId === 13n)) return createInstances(purchases);
      hasEnded = true;
      return never();
    };
    const { die } = await startTrigger(addr, database, { createInstances: deadly }, { minIdleMs: 100 });
    await pollUntil('the process to end, or everything to be done', 10_000, async () => {
      if (hasEnded) return;
      expect((await readUsers(database)).length + (await readParked(database)).length).toBe(5);
      expect(await readPending(redis)).toEqual([]);
    });
    die();
    if (!hasEnded) break;
  }
  expect(await readUsers(database)).toEqual([1, 2, 4, 5]);
  expect(await readParked(database)).toMatchObject([
    { source_id: ids[2], reason: 'MAX_DELIVERIES_EXCEEDED' },
  ]);
}, 30_000);

test('an outage while a suspect is tried alone does not count against it', async () => {
  const { addr, database, redis, add, createInstances } = await setUp();
  const ids = await add(stream, 1);
  await redis.xgroup('CREATE', stream, group, '0');
  await redis.xreadgroup('GROUP', group, 'dead', 'STREAMS', stream, '>');
  await redis.xclaim(stream, group, 'dead', 0, ids[0] as string, 'RETRYCOUNT', 900);
  let failuresLeft = 4;
  const failing: CreateInstances = (purchases) =>
    failuresLeft-- > 0 ? Promise.reject(connectionLost()) : createInstances(purchases);
  await startTrigger(addr, database, { createInstances: failing }, { minIdleMs: 100 });
  await expectUsers(database, [1]);
  expect(await readParked(database)).toEqual([]);
});

test('an entry that was handed out too often is acknowledged when its instance exists', async () => {
  const { addr, database, redis, add, createInstances } = await setUp();
  const first = await startTrigger(addr, database);
  const [id] = await add(stream, 1);
  await expectUsers(database, [1]);
  await expectNothingPending(redis);
  await first.stop();
  await redis.xgroup('SETID', stream, group, '0');
  await redis.xreadgroup('GROUP', group, 'dead', 'STREAMS', stream, '>');
  await redis.xclaim(stream, group, 'dead', 0, id as string, 'RETRYCOUNT', 9_000_000);
  await startTrigger(addr, database, { createInstances }, { minIdleMs: 100 });
  await expectNothingPending(redis);
  expect(await readParked(database)).toEqual([]);
});

test('a stream whose entries cannot be parked yields to the others and is tried again', async () => {
  const { addr, database, redis, add } = await setUp();
  const broken = 'stream:seckill:broken';
  let isBroken = true;
  const [bad] = await add(broken, 1);
  const { failures } = await startTrigger(
    addr,
    database,
    {
      park: (entries) =>
        isBroken && entries.some(({ stream: from }) => from === broken)
          ? Promise.reject(Object.assign(new Error('index row size exceeds maximum'), { code: '54000' }))
          : parkEntries(database, entries),
    },
    { maxInFlight: 1 },
  );
  await pollUntil('a failure', 5_000, async () => expect(failures.length).toBeGreaterThan(0));
  await add(stream, 1, 2, 3);
  await expectUsers(database, [1, 2, 3]);
  const [stuck] = await add(other, 'malformed');
  await pollUntil('the malformed entry to be parked', 5_000, async () =>
    expect(await readParked(database)).toMatchObject([{ source_id: stuck, reason: 'USER_ID_INVALID' }]),
  );
  isBroken = false;
  await expectNothingPending(redis, broken);
  expect((await readParked(database)).map(({ source_id }) => source_id).sort()).toEqual([bad, stuck].sort());
});

test('winners in one batch with unfit entries do not wait until those are parked', async () => {
  const { addr, database, redis, add } = await setUp();
  const [, bad] = await add(stream, 1, 'malformed', 2);
  await startTrigger(addr, database, { park: never });
  await expectUsers(database, [1, 2]);
  await pollUntil('the winners to be acknowledged', 5_000, async () =>
    expect((await readPending(redis)).map(([id]) => id)).toEqual([bad]),
  );
});

test('an entry with an unknown error is parked after five tries, its neighbours pass', async () => {
  const { addr, database, redis, add, createInstances } = await setUp();
  const [, bad] = await add(stream, 1, 2, 3);
  const failing: CreateInstances = async (purchases) => {
    const outcomes = await createInstances(purchases.filter(({ userId }) => userId !== 2n));
    const { WeirError } = await import('../../src/errors.ts');
    return purchases.map(({ userId }) =>
      userId === 2n
        ? { kind: 'refused' as const, error: new WeirError('INTERNAL', 'a bug') }
        : (outcomes.shift() as (typeof outcomes)[number]),
    );
  };
  await startTrigger(addr, database, { createInstances: failing });
  await expectUsers(database, [1, 3]);
  await pollUntil('the neighbours to be acknowledged', 5_000, async () =>
    expect((await readPending(redis)).map(([id]) => id)).not.toContain('x'),
  );
  await expectNothingPending(redis);
  expect(await readParked(database)).toMatchObject([{ source_id: bad, reason: 'INTERNAL' }]);
});
