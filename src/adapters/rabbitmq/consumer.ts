import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { Signal } from '../../lib/signal.ts';
import { withAnswerDeadline } from './answer-deadline.ts';
import { type ConnectionEvents, RabbitmqConnection } from './connection.ts';
import type { BrokerAddress } from './nodes.ts';
import { ensureQueues, type QueueTerms } from './queue.ts';

interface ConsumerOptions extends BrokerAddress, ConnectionEvents, QueueTerms {
  /** One queue, or several that are read as one. */
  queue: string | readonly string[];
  /** Messages of each queue that the broker delivers before the first of them is acknowledged. */
  prefetch: number;
  /** See `ConnectionDeps.verify`. */
  verify?: ((connection: ChannelModel) => Promise<void>) | undefined;
  onWarning: (warning: string) => void;
}

interface Delivery {
  messageId: string;
  type: string;
  body: Buffer;
  headers: Readonly<Record<string, unknown>> | undefined;
  traceparent: string | undefined;
  /** Delivery tag on its channel; a new channel starts at 1 again. */
  tag: number;
  channelNumber: number;
}

const idleMs = 60_000;

/**
 * Reads in batches. Messages that were not acknowledged when a connection ended are redelivered on the next
 * one.
 */
export class RabbitmqConsumer {
  readonly #options: ConsumerOptions;
  readonly #queues: readonly string[];
  readonly #connection: RabbitmqConnection;
  readonly #arrived = new Signal();
  #channel: Channel | undefined;
  /**
   * A channel for queries: a refused query closes its channel, which would return all unacknowledged messages
   * of it.
   */
  #questions: Channel | undefined;
  /** The subscriptions on the current channel, one for each queue that the broker has confirmed. */
  #consumerTags: string[] | undefined;
  /** Paused: requests no more messages. */
  #isPaused = false;
  #model: ChannelModel | undefined;
  #deliveries: Delivery[] = [];
  /** Tags of the current channel that are finished above the highest contiguous one. */
  #finished = new Set<number>();
  #acknowledgedTo = 0;
  #receivedTo = 0;
  #finishedEver = 0;
  /** Deliveries of a closed channel must not be acknowledged on the next one. */
  #channelNumber = 0;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#queues = [options.queue].flat();
    this.#connection = new RabbitmqConnection({ ...options, prepare: (model) => this.#prepare(model) });
  }

  get notReady(): string | undefined {
    return this.#connection.notReady;
  }

  /** Returns the next messages, at least one and at most `count`; none when `signal` aborts first. */
  async take(count: number, signal: AbortSignal): Promise<Delivery[]> {
    while (this.#deliveries.length === 0 && !signal.aborted) await this.#arrived.wait(idleMs, signal);
    return signal.aborted ? [] : this.#deliveries.splice(0, count);
  }

  /**
   * Marks messages as finished, in any order. The broker is sent one acknowledgement for all of them, once
   * all earlier ones are finished too: one frame per batch.
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
      // The channel has just been closed: the messages are redelivered.
    }
  }

  /**
   * Messages on the queues plus those not acknowledged here, and the number finished so far. @throws when the
   * broker is unavailable
   */
  async readProgress(): Promise<{ waiting: number; finished: number }> {
    if (!this.#model || this.notReady) throw new Error(this.notReady ?? 'not connected to the broker');
    const opening = () =>
      openQuestions(this.#model as ChannelModel, () => {
        this.#questions = undefined;
      });
    this.#questions ??= await withAnswerDeadline(opening());
    let waiting = this.#receivedTo - this.#acknowledgedTo;
    for (const queue of this.#queues) {
      waiting += (await withAnswerDeadline(this.#questions.checkQueue(queue))).messageCount;
    }
    return { waiting, finished: this.#finishedEver };
  }

  /**
   * Requests no new messages until `resume`, on new connections too, and keeps the delivered ones: the broker
   * counts every return of a message, and drops it after as many as its queue allows.
   */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    if (this.#consumerTags?.length === this.#queues.length) this.#unsubscribe();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    // Fails when the channel has just been closed: the next connection subscribes.
    if (this.#channel) this.#subscribe(this.#channel).catch(() => {});
  }

  /** Returns all unacknowledged messages to the queue, for another consumer. */
  returnDeliveries(reason: string): void {
    this.#connection.breakOff(reason);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #prepare(model: ChannelModel): Promise<void> {
    const { prefetch, onWarning } = this.#options;
    this.#model = model;
    this.#questions = undefined;
    const down = await ensureQueues(model, this.#queues, this.#options, onWarning);
    const [queue] = this.#queues.filter((each) => down.has(each));
    if (queue !== undefined) throw new Error(`cannot read queue ${queue}: ${down.get(queue)}`);
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
    this.#consumerTags = undefined;
    this.#channelNumber++;
    if (!this.#isPaused) await this.#subscribe(channel);
  }

  async #subscribe(channel: Channel): Promise<void> {
    if (this.#consumerTags !== undefined) return;
    const tags: string[] = [];
    this.#consumerTags = tags;
    const channelNumber = this.#channelNumber;
    for (const queue of this.#queues) {
      const { consumerTag } = await channel.consume(queue, (message) => {
        // The queue was deleted, or its node is down: a new connection finds it or creates it again.
        if (!message) this.#connection.breakOff('the broker cancelled the subscription');
        else this.#keep(message, channelNumber);
      });
      if (channelNumber !== this.#channelNumber) return;
      tags.push(consumerTag);
    }
    // Paused in the meantime.
    if (this.#isPaused) this.#unsubscribe();
  }

  #unsubscribe(): void {
    const tags = this.#consumerTags ?? [];
    this.#consumerTags = undefined;
    // Fails when the channel has just been closed; the next connection does not subscribe while paused.
    for (const tag of tags) this.#channel?.cancel(tag).catch(() => {});
  }

  #keep({ content, fields, properties }: ConsumeMessage, channelNumber: number): void {
    const traceparent = properties.headers?.traceparent;
    this.#receivedTo = fields.deliveryTag;
    this.#deliveries.push({
      messageId: String(properties.messageId ?? ''),
      type: String(properties.type ?? ''),
      body: content,
      headers: properties.headers,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      tag: fields.deliveryTag,
      channelNumber,
    });
    if (this.#deliveries.length === 1) setImmediate(this.#arrived.notify);
  }
}

async function openQuestions(model: ChannelModel, onGone: () => void): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => {});
  channel.on('close', onGone);
  return channel;
}
