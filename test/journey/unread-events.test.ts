import { expect, test } from 'vitest';
import { createLifeQueues, expectAuditHolds, startResource } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import { countMessages, createPostgresDatabase, createRedisDatabase } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { startWeir } from '../support/weir.ts';

const orders = 10;

async function setUp() {
  const databaseUrl = await createPostgresDatabase();
  const { queues, env: queueEnv } = createLifeQueues();
  const database = openTestPool(databaseUrl);
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: await createRedisDatabase(),
    WEIR_OVERDUE_DEADLINEMS: '1000',
    WEIR_OVERDUE_MAXPUBLICATIONS: '2',
    ...queueEnv,
  };
  const weir = await startWeir(env);
  const product = { id: '1001', name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu', priceCents: '500' };
  expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
  for (let n = 1; n <= orders; n++) {
    const { body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId: `${n}` });
    expect((await weir.request('POST', `/v1/orders/${body.id}/paid`)).status).toBe(201);
  }
  const count = async (sql: string) =>
    Number((await database.query(`SELECT count(*) FROM ${sql}`)).rows[0].count);
  return { weir, env, queues, count };
}

test('nothing is refunded, nor republished, while no consumer reads the events', async () => {
  const { weir, env, queues, count } = await setUp();
  // Twice as long as all deadlines together.
  await pollUntil('the deadlines to be long over', 30_000, async () =>
    expect(
      await count(
        "overdue_cursor WHERE checked_at > (SELECT max(created_at) FROM instance_logs) + interval '4 s'",
      ),
    ).toBe(1),
  );
  expect(await count("instance_logs WHERE status = 'PROCESSING'")).toBe(orders);
  expect(await countMessages(queues.created)).toBe(orders);
  expect((await weir.request('GET', '/metrics')).body).toMatch(/^weir_deadlines_stopped 1$/m);
  startResource(env);
  await pollUntil('every instance to be built', 30_000, async () =>
    expect(await count("instance_logs WHERE status = 'SUCCESS'")).toBe(orders),
  );
  expect(await count('compensations')).toBe(0);
  expect(await count("published WHERE kind <> 'CREATED'")).toBe(0);
  await expectAuditHolds(weir);
});
