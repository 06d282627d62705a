import type { ChannelModel } from 'amqplib';
import { pickQueue } from '../../core/outbox/created-queues.ts';
import type { Publisher, Refusal } from '../../core/outbox/outbox.ts';
import { type Message, usualType } from '../../core/outbox/outbox-batch.ts';
import { createDeferred } from '../../lib/deferred.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { createBatchPublish } from './batch-channel.ts';
import { type ConnectionEvents, RabbitmqConnection } from './connection.ts';
import type { BrokerAddress } from './nodes.ts';
import { ensureQueues, type QueueTerms } from './queue.ts';
import { RefusingQueues } from './refusing-queues.ts';

interface PublisherOptions extends BrokerAddress, ConnectionEvents, QueueTerms {
  /** The queue of messages without a type of their own; several share them (`pickQueue`). */
  queue: string | readonly string[];
  /** The queues of other types. Missing ones are created when the connection opens. */
  queues?: Readonly<Record<string, string>>;
  /**
   * No AMQP client has a deadline for confirms: without one, a lost confirm would block its batch for ever.
   */
  confirmDeadlineMs: number;
  /** See `ConnectionDeps.verify`. */
  verify?: ((connection: ChannelModel) => Promise<void>) | undefined;
  onWarning: (warning: string) => void;
}

/** Publishes to the default exchange with the queue's name as routing key: persistent, mandatory, confirmed. */
export class RabbitmqPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #created: readonly string[];
  readonly #connection: RabbitmqConnection;
  readonly #refusing = new RefusingQueues(({ type, id }) => this.#queueOf(type, id));
  #model: ChannelModel | undefined;
  #publishBatch: ReturnType<typeof createBatchPublish> | undefined;
  /** Largest message body, once the broker has reported a limit. */
  #maxBytes = Number.POSITIVE_INFINITY;
  /** Ids returned as unroutable; a return always precedes the confirm of the same message. */
  readonly #returned = new Set<string>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#created = [options.queue].flat();
    this.#connection = new RabbitmqConnection({ ...options, prepare: (model) => this.#prepare(model) });
  }

  get notReady(): string | undefined {
    return this.#connection.notReady;
  }

  get refusing(): string | undefined {
    return this.#refusing.explanation;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#connection.ready(signal);
  }

  async publish(messages: Message[]): Promise<Refusal[]> {
    const tooLarge = messages.filter(({ body }) => body.length > this.#maxBytes);
    if (tooLarge.length > 0) {
      const why = `larger than the ${this.#maxBytes} bytes that the broker allows (max_message_size)`;
      const fitting = messages.filter(({ body }) => body.length <= this.#maxBytes);
      return [...tooLarge.map((message) => ({ message, why })), ...(await this.publish(fitting))];
    }
    const refused = await this.#publishOrCreateQueues(messages);
    this.#refusing.judge(messages, refused);
    return refused;
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #prepare(model: ChannelModel): Promise<void> {
    this.#model = model;
    const down = await this.#ensureQueues([...this.#created, ...Object.values(this.#options.queues ?? {})]);
    this.#refusing.learn(down);
    const channel = await model.createConfirmChannel();
    channel.on('return', (message) => this.#returned.add(String(message.properties.messageId)));
    channel.on('error', (error) => {
      this.#learnMaxBytes(error);
      this.#options.onWarning(error.message);
    });
    // The broker closes a channel when it refuses a command on it; reconnecting is the simplest recovery.
    channel.on('close', () => this.#connection.breakOff('the channel was closed'));
    this.#publishBatch = createBatchPublish(channel, (type, id) => this.#queueOf(type, id));
  }

  #queueOf(type: string | undefined, messageId: string): string {
    if (type === undefined || type === usualType) return pickQueue(this.#created, messageId);
    const queue = this.#options.queues?.[type];
    if (queue === undefined) throw new Error(`there is no queue for messages of type ${type}`);
    return queue;
  }

  /**
   * The broker closes the channel for a message that is too large, and everything sent on it is lost; without
   * this limit one such message would block all others. The limit is forgotten after a while, because it may
   * be raised.
   */
  #learnMaxBytes({ message }: Error): void {
    const limit = /larger than (?:configured )?max size (\d+)/.exec(message)?.[1];
    if (limit === undefined) return;
    this.#maxBytes = Number(limit);
    setTimeout(() => {
      this.#maxBytes = Number.POSITIVE_INFINITY;
    }, maxBytesKnownMs).unref();
  }

  async #ensureQueues(queues: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (!this.#model) throw new Error('not connected to the broker');
    return ensureQueues(this.#model, queues, this.#options, this.#options.onWarning);
  }

  /**
   * Creates a queue that was deleted and publishes its messages once more. Only what the new one returns
   * counts as refused.
   */
  async #publishOrCreateQueues(messages: Message[]): Promise<Refusal[]> {
    const refused = await this.#publishAndConfirm(messages);
    const returned = refused.filter(({ why }) => why === unroutable).map(({ message }) => message);
    if (returned.length === 0) return refused;
    const down = await this.#ensureQueues(returned.map(({ type, id }) => this.#queueOf(type, id)));
    const whyDown = ({ type, id }: Message) => down.get(this.#queueOf(type, id));
    const again = await this.#publishAndConfirm(returned.filter((message) => whyDown(message) === undefined));
    const late = returned.flatMap((message) => {
      const why = whyDown(message);
      return why === undefined ? [] : [{ message, why, byQueue: true }];
    });
    return [...refused.filter(({ why }) => why !== unroutable), ...again, ...late];
  }

  async #publishAndConfirm(messages: Message[]): Promise<Refusal[]> {
    if (messages.length === 0) return [];
    const publish = this.#publishBatch;
    if (!publish || this.notReady) throw new Error(this.notReady ?? 'not connected to the broker');
    const { promise: allConfirmed, resolve, reject } = createDeferred<void>();
    const refused: Refusal[] = [];
    let open = messages.length;
    const deadline = setTimeout(() => {
      const reason = `${open} of ${messages.length} messages unconfirmed after ${this.#options.confirmDeadlineMs} ms`;
      reject(new Error(reason));
      this.#connection.breakOff(reason);
    }, this.#options.confirmDeadlineMs);

    try {
      publish(messages, (message, error) => {
        if (error) {
          if (isChannelGone(error)) reject(error);
          // RabbitMQ nacks for the state of a queue; for a message that it rejects it closes the channel.
          else refused.push({ message, why: error.message, byQueue: true });
        } else if (this.#returned.size > 0 && this.#returned.delete(message.id)) {
          refused.push({ message, why: unroutable });
        }
        if (--open === 0) resolve();
      });
      failpoint('after-publish');
      await allConfirmed;
      return refused;
    } finally {
      clearTimeout(deadline);
    }
  }
}

const maxBytesKnownMs = 60_000;
const unroutable = 'returned as unroutable: there is no such queue';

/** Not a nack for one message but the end of the channel: the outcome is unknown. */
function isChannelGone(error: Error): boolean {
  return /channel (closed|ended)|closed/i.test(error.message);
}
