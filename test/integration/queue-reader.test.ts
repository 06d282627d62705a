import { connect } from 'amqplib';
import { expect, onTestFinished, test } from 'vitest';
import { RabbitmqQueueReader } from '../../src/adapters/rabbitmq/queue-reader.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createQueueName, rabbitmqUrl } from '../support/stores.ts';

test('the queue reader counts messages and consumers, and recognises a missing queue', async () => {
  const queue = createQueueName();
  const reader = new RabbitmqQueueReader({ url: rabbitmqUrl, onDown() {}, onUp() {} });
  onTestFinished(() => reader.close());
  await pollUntil('the reader to be connected', 10_000, () => reader.read(queue));
  expect(await reader.read(queue)).toBeUndefined();
  const connection = await connect(rabbitmqUrl);
  onTestFinished(() => connection.close());
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
  onTestFinished(async () => {
    await channel.deleteQueue(queue);
  });
  for (let count = 0; count < 3; count++) channel.sendToQueue(queue, Buffer.from('x'));
  await channel.waitForConfirms();
  const expectSoon = (ready: number, consumers: number) =>
    pollUntil(`${ready} ready, ${consumers} consumers`, 10_000, async () =>
      expect(await reader.read(queue)).toEqual({ ready, consumers }),
    );
  await expectSoon(3, 0);
  await channel.prefetch(1);
  await channel.consume(queue, () => {});
  // What a consumer holds unacknowledged is not ready.
  await expectSoon(2, 1);
});
