import { setTimeout as sleep } from 'node:timers/promises';
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Bench } from '../bench.ts';

export async function connectToBroker(bench: Bench): Promise<ChannelModel> {
  const connection = await connect(bench.addresses.rabbitmq, { timeout: 5000 });
  connection.on('error', () => {}); // channels fail with it
  bench.cleanup.add('connection to RabbitMQ', () => connection.close());
  return connection;
}

/**
 * For publishing, on a connection of its own: when a channel is closed whose queue was deleted, RabbitMQ 3.10
 * may answer with 541, and amqplib then never settles. It is opened after the queue and closed before that is
 * deleted.
 */
export async function openConfirmChannel(bench: Bench): Promise<ConfirmChannel> {
  const channel = await (await connectToBroker(bench)).createConfirmChannel();
  channel.on('error', () => {}); // publishing rejects with it
  return channel;
}

/**
 * A durable quorum queue, deleted at the end. Created before Weir starts, so that its type is known and
 * always the same: Weir uses an existing queue as it is.
 */
export async function createQuorumQueue(bench: Bench, connection: ChannelModel, name: string): Promise<void> {
  deleteQueueAtTheEnd(bench, connection, name);
  await onOwnChannel(connection, (channel) =>
    channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } }),
  );
}

export function deleteQueueAtTheEnd(bench: Bench, connection: ChannelModel, name: string): void {
  // Weir creates two more queues for it.
  for (const queue of [name, `${name}.dead-letter`, `${name}.installation`]) {
    bench.cleanup.add(`queue ${queue}`, () =>
      onOwnChannel(connection, (channel) => channel.deleteQueue(queue)),
    );
  }
}

export function purgeQueue(connection: ChannelModel, name: string): Promise<unknown> {
  return onOwnChannel(connection, (channel) => channel.purgeQueue(name));
}

/**
 * The message count of the queue once it equals `expected`, or after 10 s: a quorum queue's count lags
 * behind.
 */
export async function countMessages(bench: Bench, connection: ChannelModel, name: string, expected: number) {
  const deadline = performance.now() + 10_000;
  while (true) {
    bench.signal.throwIfAborted();
    const { messageCount } = await onOwnChannel(connection, (channel) => channel.checkQueue(name));
    if (messageCount === expected || performance.now() > deadline) return messageCount;
    await sleep(200);
  }
}

// A refused call closes its channel; with one channel per call it affects no other.
async function onOwnChannel<Reply>(
  connection: ChannelModel,
  call: (channel: Channel) => Promise<Reply>,
): Promise<Reply> {
  const channel = await connection.createChannel();
  channel.on('error', () => {}); // the call rejects with it
  const reply = await call(channel);
  await channel.close();
  return reply;
}
