import { expect, test } from 'vitest';
import {
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  rabbitmqUrl,
} from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { launchWeir, startWeir } from '../support/weir.ts';

test('killed before the commit, Weir keeps neither the change nor its record', async () => {
  const databaseUrl = await createPostgresDatabase();
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: await createRedisDatabase(),
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: createQueueName(),
  };
  const database = openTestPool(databaseUrl, 1);
  await database.query(
    "INSERT INTO orders (id, product_id, user_id, amount_cents) VALUES ('ORD1', 1001, 5, 100)",
  );
  const read = async () => {
    const { rows } = await database.query(
      "SELECT status, (SELECT count(*)::int FROM activity) AS records FROM orders WHERE id = 'ORD1'",
    );
    return rows[0];
  };

  const doomed = launchWeir({ ...env, WEIR_FAILPOINTS: 'after-activity' });
  doomed.url = String((await doomed.waitFor('started')).addr);
  await expect(doomed.request('POST', '/v1/orders/ORD1/cancel')).rejects.toThrow();
  expect(await doomed.exited).toBe('SIGKILL');
  expect(await read()).toEqual({ status: 'PENDING', records: 0 });

  const weir = await startWeir(env);
  expect((await weir.request('POST', '/v1/orders/ORD1/cancel')).status).toBe(200);
  expect(await read()).toEqual({ status: 'CANCELLED', records: 1 });
});
