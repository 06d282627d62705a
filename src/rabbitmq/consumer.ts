import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { Wake } from '../lib/wake.ts';
import { RabbitmqConnection } from './connection.ts';
import { ensureQueue, type QueueType } from './queue.ts';

export interface ConsumerOptions {
  url: string;
  queue: string;
  queueType: QueueType;
  /** Messages that the broker hands out before the first of them is acknowledged. */
  prefetch: number;
  onDown: (error: unknown, attempt: number) => void;
  onUp: () => void;
  onWarning: (warning: string) => void;
}

export interface Delivery {
  messageId: string;
  body: Buffer;
  traceparent: string | undefined;
  /** Of the channel that it came on; another one counts from 1 again. */
  tag: number;
  channelNumber: number;
}

const idleMs = 60_000;

/** Reads one queue in batches. What was not acknowledged when the connection ended comes again on the next one. */
export class RabbitmqConsumer {
  readonly #options: ConsumerOptions;
  readonly #connection: RabbitmqConnection;
  readonly #arrived = new Wake();
  #channel: Channel | undefined;
  #model: ChannelModel | undefined;
  #deliveries: Delivery[] = [];
  /** Tags of the current channel that are finished above the highest contiguous one. */
  #finished = new Set<number>();
  #acknowledgedTo = 0;
  #receivedTo = 0;
  #finishedEver = 0;
  /** Deliveries of a channel that is gone must not be acknowledged on the next one. */
  #channelNumber = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#connection = new RabbitmqConnection({
      url: options.url,
      prepare: (model) => this.#prepare(model),
      onDown: options.onDown,
      onUp: options.onUp,
    });
  }

  get notReady(): string | undefined {
    return this.#connection.notReady;
  }

  /** The next messages, at least one and at most `count`; none when `signal` aborts first. */
  async take(count: number, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#deliveries.length === 0 && !signal.aborted) await this.#arrived.wait(idleMs, signal);
    return signal.aborted ? [] : this.#deliveries.splice(0, count);
  }

  /**
   * Finished for good, in any order. The broker hears of them together, once all before them are finished as well: one
   * frame for a batch.
   */
  acknowledge(deliveries: readonly Delivery[]): void {
    const channel = this.#channel;
    if (!channel) return;
    for (const { tag, channelNumber } of deliveries) {
      if (channelNumber === this.#channelNumber) this.#finished.add(tag);
    }
    let upTo = this.#acknowledgedTo;
    while (this.#finished.delete(upTo + 1)) upTo++;
    if (upTo === this.#acknowledgedTo) return;
    this.#finishedEver += upTo - this.#acknowledgedTo;
    this.#acknowledgedTo = upTo;
    try {
      channel.ack({ fields: { deliveryTag: upTo } } as ConsumeMessage, true);
    } catch {
      // The channel has just been closed: they come again.
    }
  }

  /** What is on the queue or in our hands, and how many we have finished so far. @throws when the broker is away */
  async readProgress(): Promise<{ waiting: number; finished: number }> {
    const channel = this.#channel;
    if (!channel || this.notReady) throw new Error(this.notReady ?? 'not connected to the broker');
    const { messageCount } = await channel.checkQueue(this.#options.queue);
    const inOurHands = this.#receivedTo - this.#acknowledgedTo;
    return { waiting: messageCount + inOurHands, finished: this.#finishedEver };
  }

  /** Gives back what is in our hands, for another consumer to take. */
  release(reason: string): void {
    this.#connection.breakOff(reason);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #prepare(model: ChannelModel): Promise<void> {
    const { queue, queueType, prefetch, onWarning } = this.#options;
    this.#model = model;
    const warning = await ensureQueue(model, queue, queueType);
    if (warning) onWarning(warning);
    const channel = await model.createChannel();
    channel.on('error', onWarning);
    channel.on('close', () => {
      if (this.#model === model) this.#connection.breakOff('the channel was closed');
    });
    await channel.prefetch(prefetch);
    this.#channel = channel;
    this.#deliveries = [];
    this.#finished = new Set();
    this.#acknowledgedTo = 0;
    this.#receivedTo = 0;
    const channelNumber = ++this.#channelNumber;
    await channel.consume(queue, (message) => {
      // The queue was deleted: a fresh connection makes it again.
      if (!message) this.#connection.breakOff('the broker ended our subscription');
      else this.#keep(message, channelNumber);
    });
  }

  #keep({ content, fields, properties }: ConsumeMessage, channelNumber: number): void {
    const traceparent = properties.headers?.traceparent;
    this.#receivedTo = fields.deliveryTag;
    this.#deliveries.push({
      messageId: String(properties.messageId ?? ''),
      body: content,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      tag: fields.deliveryTag,
      channelNumber,
    });
    if (this.#deliveries.length === 1) setImmediate(this.#arrived.ring);
  }
}
