import type { ChannelModel } from 'amqplib';
import { withAnswerDeadline } from './answer-deadline.ts';
import { type ConnectionEvents, RabbitmqConnection } from './connection.ts';
import type { BrokerAddress } from './nodes.ts';
import { notFound } from './queue.ts';

type QueueReaderOptions = BrokerAddress & ConnectionEvents;

interface QueueCounts {
  /** Undelivered messages. Delivered but unacknowledged ones are not counted: AMQP does not show them. */
  ready: number;
  consumers: number;
}

/** Reads the number of waiting messages and of consumers of a queue, on a connection of its own. */
export class RabbitmqQueueReader {
  readonly #connection: RabbitmqConnection;
  #model: ChannelModel | undefined;

  constructor(options: QueueReaderOptions) {
    this.#connection = new RabbitmqConnection({
      ...options,
      prepare: async (model) => {
        this.#model = model;
      },
    });
  }

  /** @returns undefined when there is no such queue. @throws when the broker does not answer */
  async read(queue: string): Promise<QueueCounts | undefined> {
    const { notReady } = this.#connection;
    if (!this.#model || notReady !== undefined) throw new Error(notReady ?? 'not connected to the broker');
    return withAnswerDeadline(readCounts(this.#model, queue));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** @returns undefined when there is no such queue */
export async function readCounts(model: ChannelModel, queue: string): Promise<QueueCounts | undefined> {
  // A disposable channel: the broker closes it when there is no such queue.
  const channel = await model.createChannel();
  channel.on('error', () => {});
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue);
    await channel.close();
    return { ready: messageCount, consumers: consumerCount };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === notFound) return undefined;
    throw error;
  }
}
