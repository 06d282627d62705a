import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RabbitmqPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import type { Message } from '../../src/core/outbox/outbox-batch.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../support/own-rabbitmq.ts';
import { pollUntil } from '../support/poll-until.ts';
import { connectTestRabbitmq, createQueueName, drainQueue, rabbitmqUrl } from '../support/stores.ts';

let count = 0;

function createMessages(howMany: number): Message[] {
  return Array.from({ length: howMany }, () => ({
    id: String(++count),
    body: Buffer.from(`event ${count}`),
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    createdAt: new Date(1_790_000_000_000),
  }));
}

async function openPublisher(options: { url?: string; queue: string; confirmDeadlineMs?: number }) {
  const warnings: string[] = [];
  const downs: unknown[] = [];
  const publisher = new RabbitmqPublisher({
    url: rabbitmqUrl,
    queueType: 'quorum',
    deadLetterQueue: `${options.queue}.dead-letter`,
    confirmDeadlineMs: 10_000,
    onDown: (error) => downs.push(error),
    onUp() {},
    onWarning: (warning) => warnings.push(warning),
    ...options,
  });
  onTestFinished(() => publisher.close());
  await publisher.ready(AbortSignal.timeout(20_000));
  return { publisher, warnings, downs };
}

describe('the queue', () => {
  test('a missing queue is made durable, as a quorum queue that moves what it would drop', async () => {
    const queue = createQueueName();
    await openPublisher({ queue });
    const channel = await (await connectTestRabbitmq()).createChannel();
    const keeping = {
      'x-queue-type': 'quorum',
      'x-overflow': 'reject-publish',
      'x-delivery-limit': 1_000_000_000,
    };
    const moving = {
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': `${queue}.dead-letter`,
      'x-dead-letter-strategy': 'at-least-once',
    };
    await channel.assertQueue(queue, { durable: true, arguments: { ...keeping, ...moving } });
    await channel.assertQueue(`${queue}.dead-letter`, { durable: true, arguments: keeping });
  });

  test('an existing queue with other arguments is used as it is, with a warning', async () => {
    const queue = createQueueName();
    const channel = await (await connectTestRabbitmq()).createChannel();
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { 'x-max-length': 100, 'x-queue-type': 'classic' },
    });
    const { publisher, warnings } = await openPublisher({ queue });
    expect(warnings.join()).toContain('exists with other arguments and is used as it is');
    expect(await publisher.publish(createMessages(3))).toEqual([]);
    expect(await drainQueue(queue, 3)).toHaveLength(3);
  });

  test('a queue that is deleted while events flow is made again, and none is lost', async () => {
    const queue = createQueueName();
    const channel = await (await connectTestRabbitmq()).createChannel();
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'classic' } });
    const { publisher } = await openPublisher({ queue });
    await publisher.publish(createMessages(1));
    await channel.deleteQueue(queue);
    const messages = createMessages(50);
    expect(await publisher.publish(messages)).toEqual([]);
    const received = await drainQueue(queue, 50);
    expect(new Set(received.map(({ id }) => id))).toEqual(new Set(messages.map(({ id }) => id)));
  });

  test('a full queue that rejects names the messages it refused, and only those', async () => {
    const queue = createQueueName();
    const channel = await (await connectTestRabbitmq()).createChannel();
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { 'x-queue-type': 'classic', 'x-max-length': 5, 'x-overflow': 'reject-publish' },
    });
    const { publisher } = await openPublisher({ queue });
    const messages = createMessages(8);
    const refused = await publisher.publish(messages);
    const arrived = (await drainQueue(queue, 5)).map(({ id }) => id);
    expect([...arrived, ...refused.map(({ message }) => message.id)].sort()).toEqual(
      messages.map(({ id }) => id).sort(),
    );
    expect(refused.length).toBeGreaterThan(0);
  });
});

test('a message arrives with the properties that the contract names', async () => {
  const queue = createQueueName();
  const { publisher } = await openPublisher({ queue });
  const [message] = createMessages(1) as [Message];
  await publisher.publish([message]);
  const [received] = await drainQueue(queue, 1);
  expect(received?.body).toEqual(message.body);
  expect(received?.properties).toMatchObject({
    contentType: 'application/octet-stream',
    deliveryMode: 2,
    type: 'INSTANCE_CREATED',
    messageId: message.id,
    timestamp: 1_790_000_000,
    appId: 'weir',
    headers: { traceparent: message.traceparent },
  });
});

test('events larger than one AMQP batch arrive whole', async () => {
  const queue = createQueueName();
  const { publisher } = await openPublisher({ queue });
  const message = { id: 'large', body: Buffer.alloc(300_000, 7) };
  await publisher.publish([message]);
  const [received] = await drainQueue(queue, 1);
  expect(received?.body.equals(message.body)).toBe(true);
});

describe('a broker that fails', () => {
  let broker: OwnRabbitmq;
  const queue = 'weir.test.failing';

  beforeAll(async () => {
    broker = await startOwnRabbitmq({ config: { max_message_size: '100000' } });
  });
  afterAll(() => broker?.dispose());

  test('a frozen broker is noticed by the confirm deadline and used again when back', async () => {
    const { publisher, downs } = await openPublisher({ url: broker.url, queue, confirmDeadlineMs: 1_000 });
    await publisher.publish(createMessages(1));
    broker.pause();
    await expect(publisher.publish(createMessages(5))).rejects.toThrow(
      /5 of 5 messages unconfirmed after 1000 ms/,
    );
    broker.resume();
    await publisher.ready(AbortSignal.timeout(30_000));
    expect(await publisher.publish(createMessages(5))).toEqual([]);
    expect(downs.length).toBeGreaterThan(0);
  });

  test('a broker that blocks publishers makes the publisher not ready, and says why', async () => {
    const { publisher } = await openPublisher({ url: broker.url, queue, confirmDeadlineMs: 1_000 });
    await broker.ctl('set_vm_memory_high_watermark', '0.0000001');
    await publisher.publish(createMessages(1)).catch(() => {});
    await pollUntil('the publisher to be blocked', 15_000, async () => {
      expect(publisher.notReady).toMatch(/blocked publishers/);
    });
    await broker.ctl('set_vm_memory_high_watermark', '0.6');
    await publisher.ready(AbortSignal.timeout(30_000));
    expect(await publisher.publish(createMessages(1))).toEqual([]);
  });

  test('a message above the limit of the broker is refused alone, and the others pass', async () => {
    const { publisher } = await openPublisher({ url: broker.url, queue });
    const large = { id: 'large', body: Buffer.alloc(200_000) };
    await expect(publisher.publish([...createMessages(1), large])).rejects.toThrow();
    await publisher.ready(AbortSignal.timeout(10_000));
    expect(await publisher.publish([...createMessages(2), large])).toEqual([
      { message: large, why: expect.stringContaining('100000 bytes that the broker allows') },
    ]);
  });

  test('a broker that is killed fails the batch, and the publisher finds the next one', async () => {
    const { publisher } = await openPublisher({ url: broker.url, queue });
    await broker.kill();
    await expect(publisher.publish(createMessages(2))).rejects.toThrow();
    await broker.restart();
    await publisher.ready(AbortSignal.timeout(30_000));
    expect(await publisher.publish(createMessages(2))).toEqual([]);
  });
});
