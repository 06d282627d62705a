import type { ChannelModel, ConfirmChannel, ConsumeMessage } from 'amqplib';
import { isOurUser, type Shop } from '../drive/shop.ts';
import type { Queues } from '../options.ts';
import { BrokerConnection, breakOff } from '../stores/rabbitmq.ts';
import { type InstanceEvent, type RefundRequest, readEvent, readRefund, writeResult } from './contract.ts';
import { hashOf, Mailbox } from './mailbox.ts';

export interface DomainDeps {
  rabbitmq: string;
  queues: Queues;
  shop: Shop;
  failPercent: number;
  /** Resolves once Weir has taken the report. */
  reportRefund: (messageId: string, request: RefundRequest) => Promise<void>;
}

/** Messages of other purchases are held unread until the end, so many at most. */
const prefetch = 20_000;

/**
 * The Resource Domain and the payment service of the run: records every message, answers each event, also when it comes again,
 * and reports each refund. What belongs to other purchases goes back to its queue at the end.
 */
export class ResourceDomain {
  readonly events = new Mailbox<InstanceEvent>();
  readonly releases = new Mailbox<InstanceEvent>();
  readonly refunds = new Mailbox<RefundRequest>();
  /** By instance id; kept, since a repeat gets the same bytes. */
  readonly answers = new Map<string, { isSuccess: boolean; body: Buffer }>();
  readonly #deps: DomainDeps;
  readonly #connection: BrokerConnection;

  constructor(deps: DomainDeps) {
    this.#deps = deps;
    this.#connection = new BrokerConnection(deps.rabbitmq, (model) => this.#attach(model));
  }

  /** Messages of the run, repeats included. */
  get copies(): number {
    return this.events.copies + this.releases.copies + this.refunds.copies;
  }

  open(): Promise<void> {
    return this.#connection.open();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #attach(model: ChannelModel): Promise<void> {
    const { queues } = this.#deps;
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    // A queue that is deleted, or whose leader is gone, closes the channel: begin again at the next node.
    channel.on('close', () => breakOff(model));
    await channel.prefetch(prefetch);
    const consume = (queue: string, take: (message: ConsumeMessage) => Promise<boolean>) =>
      channel.consume(queue, (message) => {
        if (!message) return breakOff(model);
        // A failure leaves the message unacknowledged, and it comes again with the next connection.
        take(message).then(
          (isOurs) => isOurs && acknowledge(channel, message),
          () => breakOff(model),
        );
      });
    for (const queue of queues.created) await consume(queue, (message) => this.#takeEvent(channel, message));
    await consume(queues.releases, (message) => this.#takeRelease(message));
    await consume(queues.refunds, (message) => this.#takeRefund(message));
  }

  async #takeEvent(channel: ConfirmChannel, { content, properties }: ConsumeMessage): Promise<boolean> {
    const messageId = String(properties.messageId);
    // A body that cannot be read is ours when its id came before.
    const event = readEvent(content) ?? this.events.find(messageId)?.content;
    if (!event || !(isOurUser(this.#deps.shop, event.userId) || this.events.find(messageId))) return false;
    this.events.record(messageId, String(properties.type), content, event);
    await publish(channel, this.#deps.queues.results, this.#answer(event.instanceId));
    return true;
  }

  async #takeRelease({ content, properties }: ConsumeMessage): Promise<boolean> {
    const messageId = String(properties.messageId);
    const event = readEvent(content) ?? this.releases.find(messageId)?.content;
    if (!event || !isOurUser(this.#deps.shop, event.userId)) return false;
    this.releases.record(messageId, String(properties.type), content, event);
    return true;
  }

  async #takeRefund({ content, properties }: ConsumeMessage): Promise<boolean> {
    const messageId = String(properties.messageId);
    const request = readRefund(content) ?? this.refunds.find(messageId)?.content;
    if (!request || !isOurUser(this.#deps.shop, request.userId)) return false;
    this.refunds.record(messageId, String(properties.type), content, request);
    await this.#deps.reportRefund(messageId, request);
    return true;
  }

  /** Which instances fail depends on their ids alone. */
  #answer(instanceId: string): Buffer {
    let answer = this.answers.get(instanceId);
    if (!answer) {
      const dice = Number.parseInt(hashOf(Buffer.from(instanceId)).slice(0, 8), 16) % 100;
      const isSuccess = dice >= this.#deps.failPercent;
      answer = { isSuccess, body: writeResult(instanceId, isSuccess, Date.now()) };
      this.answers.set(instanceId, answer);
    }
    return answer.body;
  }
}

/** Resolves with the broker's confirm. */
function publish(channel: ConfirmChannel, queue: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { persistent: true, mandatory: true, contentType: 'application/octet-stream' };
    channel.sendToQueue(queue, body, options, (error) => (error ? reject(error) : resolve()));
  });
}

/** A channel that has closed since has no deliveries any more. */
function acknowledge(channel: ConfirmChannel, message: ConsumeMessage): void {
  try {
    channel.ack(message);
  } catch {
    // It comes again.
  }
}
