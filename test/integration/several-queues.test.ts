import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { nameCreatedQueues } from '../../src/core/outbox/created-queues.ts';
import { expectAuditHolds, startResource } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  countMessages,
  createPostgresDatabase,
  createQueueName,
  drainQueue,
  rabbitmqUrl,
} from '../support/stores.ts';
import { type RunningWeir, runWeir, startWeir } from '../support/weir.ts';

const count = 3;

async function openShop() {
  const source = await createPostgresDatabase();
  const client = new pg.Client(source);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  const queue = createQueueName();
  const env = {
    WEIR_DATA_DATABASE_SOURCE: source,
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
  };
  const numbered = { ...env, WEIR_DATA_RABBITMQ_QUEUES: String(count) };
  return { client, queue, env, numbered, queues: nameCreatedQueues(queue, count) };
}

async function pay(weir: RunningWeir, from: number, to: number): Promise<string[]> {
  const orders = Array.from({ length: to - from }, (_, i) => `PAY${from + i}`);
  const body = { productId: '1001', userId: '7' };
  const answers = await Promise.all(
    orders.map((order) => weir.request('POST', `/v1/orders/${order}/paid`, body)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
  return answers.map((answer) => String(answer.body.instanceId));
}

test('each event is on the queue of its instance id, which metrics and doctor know', async () => {
  const { numbered, queue, queues } = await openShop();
  const weir = await startWeir(numbered);
  const ids = await pay(weir, 0, 60);
  const ofQueue = (i: number) => ids.filter((id) => BigInt(id) % BigInt(count) === BigInt(i));
  for (const [i, name] of queues.entries()) {
    await pollUntil(`the events of ${name}`, 15_000, async () =>
      expect(await countMessages(name)).toBe(ofQueue(i).length),
    );
  }
  await expect(countMessages(queue)).rejects.toThrow('404');
  await pollUntil('the metrics of every queue', 15_000, async () => {
    const metrics = String((await weir.request('GET', '/metrics')).body);
    for (const i of queues.keys()) {
      expect(metrics).toContain(`weir_queue_ready_messages{queue="created.${i}"} ${ofQueue(i).length}`);
      expect(metrics).toContain(`weir_queue_consumers{queue="created.${i}"} 0`);
    }
  });
  const { stdout } = await runWeir(['doctor'], numbered);
  for (const name of queues) expect(stdout).toContain(`queue ${name} exists, is durable and drops nothing`);
  for (const [i, name] of queues.entries()) {
    const messages = await drainQueue(name, ofQueue(i).length);
    expect(messages.map(({ id }) => id).sort()).toEqual(ofQueue(i).sort());
  }
});

test('the number of queues is changed while running, and every event is answered', async () => {
  const { client, env, numbered, queue } = await openShop();
  const before = await startWeir(env);
  await pay(before, 0, 40);
  await pollUntil('the events of before', 15_000, async () => expect(await countMessages(queue)).toBe(40));
  const { stdout } = await runWeir(['doctor'], numbered);
  expect(stdout).toContain(`queue ${queue} holds 40 events that Weir published there under another`);
  // Both kinds of Weir run at the same time for a while, and consumers read the old queue and the new ones.
  startResource(numbered);
  const after = await startWeir(numbered);
  await pay(after, 40, 80);
  startResource(env);
  await pay(before, 80, 100);
  await before.stop();
  await pollUntil('every instance to be answered', 30_000, async () => {
    const { rows } = await client.query(
      'SELECT status, count(*)::int AS instances FROM instance_logs GROUP BY 1',
    );
    expect(rows).toEqual([{ status: 'SUCCESS', instances: 100 }]);
  });
  await expectAuditHolds(after);
});
