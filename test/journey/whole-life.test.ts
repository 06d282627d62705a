import { describe, expect, test } from 'vitest';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import { createLifeQueues, expectAuditHolds, readIds, startResource } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  connectTestRedis,
  createFolder,
  createPostgresDatabase,
  createRedisDatabase,
} from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

/** `WEIR_TEST_PURCHASES=100000` for the figures of docs/benchmarks.md. */
const purchases = Number(process.env.WEIR_TEST_PURCHASES ?? 1_000);
const deadlineMs = 120_000 + purchases * 10;
const stream = 'stream:seckill:1001';
const overdue = { WEIR_OVERDUE_DEADLINEMS: '2500', WEIR_OVERDUE_MAXPUBLICATIONS: '2' };
const bad = { fail: '10', silent: '5', late: '1', lateMs: '10000', repeat: '5', contradict: '1' };
const winners = Math.floor(purchases * 0.8);
const orders = Math.floor(purchases * 0.1);
const gifts = purchases - winners - orders;

/** Over HTTP, 32 at a time. */
async function buyByRequest(weir: RunningWeir): Promise<void> {
  const jobs = [
    ...Array.from({ length: orders }, (_, n) => async () => {
      const order = await weir.request('POST', '/v1/orders', { productId: '1001', userId: `${n + 1}` });
      return weir.request('POST', `/v1/orders/${order.body.id}/paid`);
    }),
    ...Array.from({ length: gifts }, (_, n) => () => {
      const gift = { source: 'ACTIVITY', sourceId: `ACT${n}`, productId: '1001', userId: `${n + 1}` };
      return weir.request('POST', '/v1/instances', gift);
    }),
  ];
  let next = 0;
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      for (let job = jobs[next++]; job; job = jobs[next++]) expect((await job()).status).toBe(201);
    }),
  );
}

interface Ends {
  failed: Record<string, number>;
  total: number;
}

async function readEnds(weir: RunningWeir): Promise<Ends> {
  const { body } = await weir.request('GET', '/v1/stats/sources');
  const ends: Ends = { failed: {}, total: 0 };
  for (const { source, total, failed, processing } of body.items) {
    expect(processing).toBe('0');
    ends.failed[source] = Number(failed);
    ends.total += Number(total);
  }
  return ends;
}

/** Ten per cent fail, five are silent and one is late: those are given up. */
function expectShares({ failed, total }: Ends): void {
  expect(total).toBe(purchases);
  const share = Object.values(failed).reduce((sum, count) => sum + count, 0) / total;
  expect(share).toBeGreaterThan(0.12);
  expect(share).toBeLessThan(0.2);
}

describe('a whole life with a misbehaving Resource Domain', () => {
  test(
    `every sum holds on the real stores after ${purchases} purchases`,
    async () => {
      const databaseUrl = await createPostgresDatabase();
      const redisUrl = await createRedisDatabase();
      const { queues, env: queueEnv } = createLifeQueues();
      const env = {
        WEIR_DATA_DATABASE_SOURCE: databaseUrl,
        WEIR_DATA_REDIS_ADDR: redisUrl,
        ...queueEnv,
        ...overdue,
        WEIR_LOG_LEVEL: 'info',
      };
      const database = openTestPool(databaseUrl);
      await database.query(
        "INSERT INTO products (id, name, cpus, memory_mb, image, price_cents) VALUES (1001, 'GPU', 4, 16384, 'ubuntu', 5)",
      );
      const redis = connectTestRedis(redisUrl);
      const keys = saleKeys(stream);
      for (let from = 0; from < winners; from += 1_000) {
        const pipeline = redis.pipeline();
        const count = Math.min(1_000, winners - from);
        for (let n = 0; n < count; n++) pipeline.xadd(stream, '*', 'uid', `${from + n + 1}`);
        const ids = ((await pipeline.exec()) ?? []).map(([, id]) => String(id));
        await redis.hset(keys.units, Object.fromEntries(ids.map((id, n) => [id, `1:${from + n + 1}`])));
      }
      await redis.hset(keys.sale, {
        number: 1,
        stock: winners + 5,
        sold: winners,
        remaining: 5,
        restocked: 0,
      });
      startResource(
        env,
        ...['--fail', bad.fail, '--silent', bad.silent, '--late', bad.late, '--late-after', bad.lateMs],
        ...['--repeat', bad.repeat, '--contradict', bad.contradict],
      );
      const startedAt = performance.now();
      const weir = await startWeir(env);
      await buyByRequest(weir);
      await expectAuditHolds(weir, deadlineMs);
      console.log(`whole life of ${purchases}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);

      const ends = await readEnds(weir);
      expectShares(ends);
      const { sold, restocked } = await redis.hgetall(keys.sale);
      expect(Number(restocked)).toBe(ends.failed.SECKILL);
      expect(Number(sold)).toBe(winners - Number(restocked));
      const refunds = await readIds(queues.refunds, ends.failed.ORDER ?? 0);
      expect(refunds).toHaveLength(ends.failed.ORDER ?? 0);
      const { rows } = await database.query(
        "SELECT count(*)::int AS paid_back FROM orders WHERE status = 'REFUND_REQUESTED'",
      );
      expect(rows[0].paid_back).toBe(ends.failed.ORDER);
      // A machine that was built too late, or for an instance that had failed, must be released.
      const released = await pollUntil('a late machine to be reported', 60_000, async () => {
        const { rows } = await database.query(
          "SELECT 'release-' || instance_id AS id FROM instance_history WHERE what = 'RELEASE_REQUESTED'",
        );
        expect(rows.length).toBeGreaterThan(0);
        return rows.map(({ id }) => id as string);
      });
      expect(await readIds(queues.releases, released.length)).toEqual(expect.arrayContaining(released));
    },
    deadlineMs * 2,
  );

  test(
    `every sum holds on the embedded stores after ${purchases} purchases`,
    async () => {
      const weir = await startWeir({
        WEIR_DATA_EMBEDDED_FOLDER: await createFolder(),
        WEIR_RESOURCE_SIMULATE: 'true',
        WEIR_RESOURCE_DELAYMS: '0',
        WEIR_RESOURCE_FAILPERCENT: bad.fail,
        WEIR_RESOURCE_SILENTPERCENT: bad.silent,
        WEIR_RESOURCE_LATEPERCENT: bad.late,
        WEIR_RESOURCE_LATEMS: bad.lateMs,
        WEIR_RESOURCE_REPEATPERCENT: bad.repeat,
        WEIR_RESOURCE_CONTRADICTPERCENT: bad.contradict,
        WEIR_LOG_LEVEL: 'info',
        ...overdue,
      });
      const startedAt = performance.now();
      for (let from = 0; from < winners; ) {
        const count = Math.min(1_000, winners - from);
        const body = { productId: '1001', firstUserId: `${from + 1}`, count };
        const { status } = await weir.request('POST', '/v1/try/seckill', body);
        if (status === 202) from += count;
      }
      await buyByRequest(weir);
      await expectAuditHolds(weir, deadlineMs);
      console.log(
        `whole life of ${purchases}, embedded: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
      );
      const ends = await readEnds(weir);
      expectShares(ends);
      const { body } = await weir.request('GET', '/v1/audit');
      const sum = (name: string) => body.sums.find((each: { name: string }) => each.name === name).actual;
      expect(sum('restocked')).toBe(ends.failed.SECKILL);
      expect(sum('refunds')).toBe(ends.failed.ORDER);
      expect(body.waiting).toMatchObject({ restocks: 0, refunds: ends.failed.ORDER });
    },
    deadlineMs * 2,
  );
});
