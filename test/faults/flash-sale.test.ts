import { setTimeout as freeze } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createLifeQueues, expectAuditHolds } from '../support/life.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRedis, createPostgresDatabase, createRedisDatabase } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { launchWeir, type RunningWeir, startWeir } from '../support/weir.ts';

const stream = 'stream:seckill:1001';
/** 50000 for the measurement; CI sells on a smaller scale. */
const buyers = Number(process.env.WEIR_TEST_BUYERS ?? 1_000);
const units = Math.ceil(buyers / 50);
/** Requests in flight at the same time. */
const concurrency = 96;

async function setUp(redisUrl?: string) {
  const databaseUrl = await createPostgresDatabase();
  const database = openTestPool(databaseUrl);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  const redis = redisUrl ?? (await createRedisDatabase());
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redis,
    WEIR_SECKILL_MINIDLEMS: '300',
    WEIR_LOG_LEVEL: 'info',
    ...createLifeQueues().env,
  };
  return { database, redis: connectTestRedis(redis), env };
}

/** Users 1 to `count`, each as often as `times` says, in a mixed order. */
function mixUsers(count: number, times: number): number[] {
  const users = Array.from({ length: count * times }, (_, i) => 1 + (i % count));
  for (let i = users.length - 1; i > 0; i--) {
    const other = (i * 7_919 + 104_729) % (i + 1);
    [users[i], users[other]] = [users[other] as number, users[i] as number];
  }
  return users;
}

type Buy = (user: number, nth: number) => Promise<{ status: number; streamId: string; code: string }>;

/**
 * Sends the requests of all users, some at a time. @returns how many answers there were of each kind, and
 * each user's entries
 */
async function sell(requests: readonly number[], buy: Buy) {
  const answers: Record<string, number> = {};
  const entries = new Map<number, Set<string>>();
  const refused = new Set<number>();
  let next = 0;
  const goOn = async () => {
    for (let nth = next++; nth < requests.length; nth = next++) {
      const user = requests[nth] as number;
      const { status, streamId, code } = await buy(user, nth);
      const kind = code === '' ? `${status}` : `${status} ${code}`;
      answers[kind] = (answers[kind] ?? 0) + 1;
      if (streamId === '') refused.add(user);
      else entries.set(user, (entries.get(user) ?? new Set()).add(streamId));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, goOn));
  return { answers, entries, refused };
}

async function askToBuy(weir: RunningWeir, user: number) {
  const { status, body } = await weir.request('POST', '/v1/sales/1001/buy', { userId: `${user}` });
  return { status, streamId: body.streamId ?? '', code: body.code ?? '' };
}

describe('a flash sale on three replicas', () => {
  test(`each of ${units} units sold to ${buyers} buyers makes one instance`, async () => {
    const { database, redis, env } = await setUp();
    const replicas = await Promise.all([
      startWeir(env, ['start', '--roles', 'http,ingest,relay,settle']),
      startWeir(env, ['start', '--roles', 'http,ingest']),
      startWeir(env, ['start', '--roles', 'http']),
    ]);
    const [first] = replicas;
    await first.request('POST', '/v1/sales', { productId: '1001', stock: units });
    const { answers, entries } = await sell(mixUsers(buyers, 2), (user, nth) =>
      askToBuy(replicas[nth % 3] as RunningWeir, user),
    );
    const { 202: accepted = 0, 200: repeats = 0, '409 SOLD_OUT': soldOut = 0, ...others } = answers;
    expect(others).toEqual({});
    expect(accepted).toBe(units);
    expect(accepted + repeats + soldOut).toBe(buyers * 2);
    expect(entries.size).toBe(units);
    expect([...entries.values()].every(({ size }) => size === 1)).toBe(true);
    expect(await redis.xlen(stream)).toBe(units);
    await pollUntil('every entry to be an instance', 30_000, async () => {
      const { rows } = await database.query(
        'SELECT count(*)::int AS instances, count(DISTINCT user_id)::int AS users FROM instance_logs',
      );
      expect(rows).toEqual([{ instances: units, users: units }]);
    });
    const sale = (await first.request('GET', '/v1/sales/1001')).body;
    expect(sale).toMatchObject({ sold: units, remaining: 0, restocked: 0, state: 'SOLD_OUT' });

    // Stock added after it was sold out is available to buyers of every replica within half a second.
    const began = performance.now();
    await first.request('PATCH', '/v1/sales/1001', { addStock: 3 });
    const sold = replicas.map((weir, i) =>
      pollUntil('the added unit to be sold', 5_000, async () =>
        expect((await askToBuy(weir, 10_000_000 + i)).status).toBe(202),
      ),
    );
    await Promise.all(sold);
    expect(performance.now() - began).toBeLessThan(500);
  });
});

test('no buyer loses a unit and none is sold twice, wherever the process is killed', async () => {
  await using server = await startOwnRedis();
  const { database, redis, env: usual } = await setUp(server.url);
  // Killed at the first of each: a fast machine sells all in a round or two. And read in small batches.
  const env = { ...usual, WEIR_SECKILL_BATCHSIZE: '5' };
  const crowd = Math.ceil(buyers / 3);
  const stock = Math.ceil(crowd / 4);
  const replicas = await Promise.all([
    startWeir({ ...env, WEIR_FAILPOINTS: 'after-buy' }, ['start', '--roles', 'http']),
    startWeir({ ...env, WEIR_FAILPOINTS: 'after-commit' }, ['start', '--roles', 'http,ingest']),
    // It reads nothing, otherwise it might read all before the other has read anything.
    startWeir(env, ['start', '--roles', 'http,relay,settle']),
  ]);
  const [sold, reads, survivor] = replicas as [RunningWeir, RunningWeir, RunningWeir];
  await survivor.request('POST', '/v1/sales', { productId: '1001', stock });
  let answered = 0;

  /** Like a shop's client: tries another replica until there is a definite answer. */
  const insist: Buy = async (user, nth) => {
    for (let attempt = 0; attempt < 200; attempt++) {
      const weir = replicas[(nth + attempt) % 3] as RunningWeir;
      const answer = await askToBuy(weir, user).catch(() => undefined);
      if (answer && answer.status < 500 && answer.status !== 429) {
        answered++;
        if (answered === Math.ceil(stock / 2)) await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        return answer;
      }
      await pollUntil('a moment to pass', 1_000, () => new Promise((resolve) => setTimeout(resolve, 20)));
    }
    throw new Error(`user ${user} was never answered`);
  };
  const { entries, refused } = await sell(mixUsers(crowd, 2), insist);
  expect(await sold.exited).toBe('SIGKILL');
  expect(await reads.exited).toBe('SIGKILL');

  expect(await redis.xlen(stream)).toBe(stock);
  expect(entries.size).toBe(stock);
  expect([...entries.values()].every(({ size }) => size === 1)).toBe(true);
  expect([...refused].filter((user) => entries.has(user))).toEqual([]);
  const onStream = (await redis.xrange(stream, '-', '+')).map(([id, fields]) => `${fields[1]} ${id}`);
  expect(onStream.sort()).toEqual([...entries].map(([user, ids]) => `${user} ${[...ids]}`).sort());
  const again = launchWeir({ ...env, WEIR_RESOURCE_SIMULATE: 'true', WEIR_RESOURCE_DELAYMS: '0' });
  await again.waitFor('started');
  await pollUntil('every entry to be an instance', 30_000, async () => {
    const { rows } = await database.query(
      'SELECT count(*)::int AS instances, count(DISTINCT user_id)::int AS users FROM instance_logs',
    );
    expect(rows).toEqual([{ instances: stock, users: stock }]);
  });
  await expectAuditHolds(survivor);
});

test('a late event loop refuses buyers with Retry-After, and accepts them afterwards', async () => {
  const { env } = await setUp();
  const weir = await startWeir({ ...env, WEIR_SALE_MAXLOOPDELAYMS: '20' }, ['start', '--roles', 'http']);
  await weir.request('POST', '/v1/sales', { productId: '1001', stock: 5 });
  const buy = () => weir.request('POST', '/v1/sales/1001/buy', { userId: '11' });
  await pollUntil('a calm event loop', 20_000, async () => expect((await buy()).status).toBeLessThan(300));
  // Long enough to raise the average by which lateness is measured.
  weir.process.kill('SIGSTOP');
  await freeze(3_000);
  // Sent while it is frozen, so that they are read while it is late.
  const waiting = Array.from({ length: 50 }, buy);
  weir.process.kill('SIGCONT');
  const shed = (await Promise.all(waiting)).find(({ status }) => status === 503);
  if (!shed) throw new Error('no buyer was refused');
  expect(shed.body.code).toBe('OVERLOADED');
  expect(shed.headers.get('retry-after')).toBe('1');
  expect((await weir.request('GET', '/readyz')).status).toBe(200);
  await pollUntil('buyers to be taken again', 20_000, async () =>
    expect(await buy()).toMatchObject({ status: 200 }),
  );
});

test('a silent Redis causes no backlog: callers get 503 in time', async () => {
  await using server = await startOwnRedis();
  const { env } = await setUp(server.url);
  const weir = await startWeir({ ...env, WEIR_SALE_MAXWAITING: '10' }, ['start', '--roles', 'http']);
  await weir.request('POST', '/v1/sales', { productId: '1001', stock: 50 });
  await pollUntil('the first buyer', 10_000, async () =>
    expect((await askToBuy(weir, 1)).status).toBeLessThan(300),
  );
  server.pause();
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => askToBuy(weir, 100 + i)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['STORE_UNAVAILABLE', 'OVERLOADED']));
  expect(performance.now() - began).toBeLessThan(6_000);
  server.resume();
  await pollUntil('the sale to go on', 20_000, async () =>
    expect([200, 202]).toContain((await askToBuy(weir, 1_000)).status),
  );
});
