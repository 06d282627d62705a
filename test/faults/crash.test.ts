import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { FailpointName } from '../../src/lib/failpoint.ts';
import { pollUntil } from '../support/poll-until.ts';
import { expectPromisesHold } from '../support/promises.ts';
import {
  connectTestRedis,
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  rabbitmqUrl,
} from '../support/stores.ts';
import { launchWeir, startWeir } from '../support/weir.ts';

const stream = 'stream:seckill:1001';

/** A sale on real stores of the test: products 1001 in the database, `buyers` winners on the stream. */
async function setUpSale(buyers: number) {
  const databaseUrl = await createPostgresDatabase();
  const redisUrl = await createRedisDatabase();
  const queue = createQueueName();
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  await client.end();
  const redis = connectTestRedis(redisUrl);
  const purchases: string[] = [];
  const add = async (...uids: string[]) => {
    const ids: string[] = [];
    for (const uid of uids) {
      const id = (await redis.xadd(stream, '*', 'uid', uid, 'ts', '1')) as string;
      ids.push(id);
      if (/^[1-9]\d*$/.test(uid)) purchases.push(`SECKILL ${stream} ${id} ${uid}`);
    }
    return ids;
  };
  await add(...Array.from({ length: buyers }, (_, i) => String(i + 1)));
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
    WEIR_SECKILL_BATCHSIZE: '20',
    WEIR_SECKILL_MINIDLEMS: '300',
  };
  return { databaseUrl, redis, queue, purchases, add, env };
}

/** Waits until nothing is pending and everything has been delivered. */
async function expectAllAcknowledged(redis: ReturnType<typeof connectTestRedis>): Promise<void> {
  await pollUntil('every entry to be acknowledged', 20_000, async () => {
    const [group] = (await redis.xinfo('GROUPS', stream)) as unknown[][];
    const pending = (group as unknown[])[(group as unknown[]).indexOf('pending') + 1];
    expect(pending).toBe(0);
  });
}

const onTheStreamsWay: [FailpointName, string][] = [
  ['before-insert', 'before anything is written'],
  ['after-insert', 'with the insert in flight'],
  ['after-commit', 'after the commit, before the acknowledgement'],
  ['before-acknowledge', 'just before the acknowledgement'],
  ['after-publish', 'after publishing, before the confirm'],
  ['after-confirm', 'after the confirm, before the batch is deleted'],
  ['after-delete', 'after the delete, before its commit'],
];

describe('killed at any point, every winner on the stream gets one instance and one event', () => {
  test.each(onTheStreamsWay)('a kill at %s loses no winner', async (failpoint) => {
    const { redis, env, databaseUrl, queue, purchases } = await setUpSale(100);
    const doomed = launchWeir({ ...env, WEIR_FAILPOINTS: `${failpoint}:2` });
    expect(await doomed.exited).toBe('SIGKILL');
    await startWeir(env);
    await expectPromisesHold({ databaseUrl, queue, purchases });
    await expectAllAcknowledged(redis);
  });

  test('three kills in a row at three points lose no winner', async () => {
    const { redis, env, databaseUrl, queue, purchases } = await setUpSale(100);
    for (const failpoint of ['after-commit', 'after-confirm', 'after-insert']) {
      expect(await launchWeir({ ...env, WEIR_FAILPOINTS: failpoint }).exited).toBe('SIGKILL');
    }
    await startWeir(env);
    await expectPromisesHold({ databaseUrl, queue, purchases });
    await expectAllAcknowledged(redis);
  });

  test('after-park: a malformed entry is parked once', async () => {
    const { add, env, databaseUrl, queue, purchases } = await setUpSale(3);
    const parked = await add('abc');
    expect(await launchWeir({ ...env, WEIR_FAILPOINTS: 'after-park' }).exited).toBe('SIGKILL');
    await startWeir(env);
    await expectPromisesHold({ databaseUrl, queue, purchases, parked });
  });

  test('a killed replica leaves its work to another, which finishes it', async () => {
    const { redis, env, databaseUrl, queue, purchases, add } = await setUpSale(60);
    await startWeir(env);
    const doomed = launchWeir({ ...env, WEIR_FAILPOINTS: 'after-commit:2' });
    await doomed.waitFor('started');
    let next = 1_000;
    await pollUntil('the doomed replica to meet its failpoint', 30_000, async () => {
      await add(...Array.from({ length: 20 }, () => String(next++)));
      expect(doomed.process.signalCode).toBe('SIGKILL');
    });
    await expectPromisesHold({ databaseUrl, queue, purchases });
    await expectAllAcknowledged(redis);
  });
});

describe('killed during a callback, the repeat gets one answer and there is one instance', () => {
  test.each<[FailpointName]>([
    ['before-insert'],
    ['after-insert'],
    ['after-publish'],
    ['after-confirm'],
    ['after-delete'],
  ])('a callback killed at %s gets one answer and one instance', async (failpoint) => {
    const { env, databaseUrl, queue } = await setUpSale(0);
    const pay = (weir: Awaited<ReturnType<typeof startWeir>>, order: string) =>
      weir.request('POST', `/v1/orders/${order}/paid`, { productId: '1001', userId: '7' });
    const doomed = await startWeir({ ...env, WEIR_FAILPOINTS: `${failpoint}:3` });
    const answered = new Map<string, unknown>();
    const orders: string[] = [];
    for (let i = 1; doomed.process.signalCode === null && i <= 200; i++) {
      orders.push(`ORD${i}`);
      const answer = await pay(doomed, `ORD${i}`).catch(() => undefined);
      if (answer) answered.set(`ORD${i}`, answer.body);
    }
    expect(await doomed.exited).toBe('SIGKILL');

    const weir = await startWeir(env);
    for (const order of orders) {
      const again = await pay(weir, order);
      // P2 and P4: what was answered exists, with the same answer; what was not answered can be created now.
      if (answered.has(order)) expect(again).toMatchObject({ status: 200, body: answered.get(order) });
      else expect([200, 201]).toContain(again.status);
    }
    expect(answered.size).toBeGreaterThanOrEqual(failpoint === 'before-insert' ? 2 : 1);
    await expectPromisesHold({ databaseUrl, queue, purchases: orders.map((order) => `ORDER  ${order} 7`) });
  });
});
