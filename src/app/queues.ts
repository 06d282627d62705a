import type { ChannelModel } from 'amqplib';
import { countQueued, embeddedQueue } from '../adapters/embedded/queue.ts';
import { EmbeddedQueueConsumer } from '../adapters/embedded/queue-consumer.ts';
import { postgresInstallation } from '../adapters/postgres/installation.ts';
import { RabbitmqConsumer } from '../adapters/rabbitmq/consumer.ts';
import { rabbitmqMarkedStore } from '../adapters/rabbitmq/installation.ts';
import { RabbitmqPublisher } from '../adapters/rabbitmq/publisher.ts';
import { RabbitmqQueueReader } from '../adapters/rabbitmq/queue-reader.ts';
import type { Config, DataConfig } from '../config/config.ts';
import { refundRequested, releaseRequested } from '../core/compensation/request-messages.ts';
import { nameCreatedQueues } from '../core/outbox/created-queues.ts';
import type { Publisher } from '../core/outbox/outbox.ts';
import { deadLettersPerBatch } from '../core/parked/take-dead-letters.ts';
import type { QueueReading } from '../core/results/rescuer.ts';
import type { ResultQueue } from '../core/results/take-results.ts';
import type { WatchedQueue } from '../core/results/watched-queues.ts';
import { WeirError } from '../errors.ts';
import { systemClock } from '../lib/clock.ts';
import type { Database } from '../lib/sql.ts';
import { type MarkedStore, verifyPairing } from '../ops/installation/pairing.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import { reportFailure } from './report-failure.ts';
import { isDatabaseEmbedded } from './stores.ts';

// Each queue is at the broker when its URL is configured, otherwise embedded.

/** When the broker has not confirmed by then, the connection is closed and reopened. */
export const confirmDeadlineMs = 30_000;

interface OpenPublisher {
  publisher: Publisher;
  close: () => Promise<void> | void;
}

type RabbitmqConfig = DataConfig['rabbitmq'];

export function openPublisher(rabbitmq: RabbitmqConfig, database: Database, emit: Emit): OpenPublisher {
  const { url, queue, releaseQueue, refundQueue } = rabbitmq;
  const queues = { [releaseRequested]: releaseQueue, [refundRequested]: refundQueue };
  if (url === '') return { publisher: embeddedQueue(database, queue, queues), close() {} };
  const publisher = new RabbitmqPublisher({
    ...brokerOptions(rabbitmq, emit),
    verify: verifyBroker(rabbitmq, database),
    queue: createdQueuesOf(rabbitmq),
    ...{ queues, confirmDeadlineMs },
  });
  return { publisher, close: () => publisher.close() };
}

export function brokerOptions(rabbitmq: RabbitmqConfig, emit: Emit) {
  const { url, tls, queueType } = rabbitmq;
  return {
    ...{ url, tls, queueType },
    deadLetterQueue: deadLetterQueueOf(rabbitmq),
    onDown: reportFailure(emit, 'rabbitmq'),
    onUp: () => emit({ type: 'store back', store: 'rabbitmq' }),
    onNodeDown: reportNodes(emit),
    onWarning: (warning: string) => emit({ type: 'warned', warning }),
  };
}

const sameNodeAfterMs = 60_000;
const reports = new WeakMap<Emit, (node: string, why: string) => void>();

/** Reports each node once a minute: every connection of the process finds it dead. */
function reportNodes(emit: Emit): (node: string, why: string) => void {
  const reportedAtMs = new Map<string, number>();
  const report = (node: string, why: string) => {
    const nowMs = systemClock.monotonicMs();
    if (nowMs - (reportedAtMs.get(node) ?? Number.NEGATIVE_INFINITY) < sameNodeAfterMs) return;
    reportedAtMs.set(node, nowMs);
    emit({ type: 'warned', warning: `RabbitMQ node ${node} is not used: ${why}` });
  };
  const known = reports.get(emit);
  if (!known) reports.set(emit, report);
  return known ?? report;
}

/** Without this check, each of two installations would park the results of the other as unknown. */
function verifyBroker(rabbitmq: RabbitmqConfig, database: Database): (model: ChannelModel) => Promise<void> {
  const rows = postgresInstallation(database);
  return async (model) => {
    const why = await verifyPairing(rows, markedBroker(model, rabbitmq)).catch(() => undefined);
    if (why !== undefined) throw new WeirError('STORE_MISMATCH', why);
  };
}

export function markedBroker(model: ChannelModel, rabbitmq: RabbitmqConfig): MarkedStore {
  const { url, queue, queueType } = rabbitmq;
  const terms = { queueType, deadLetterQueue: deadLetterQueueOf(rabbitmq) };
  return rabbitmqMarkedStore(model, { url, queue, terms });
}

/** One where the queue is embedded, whatever the setting. */
export function createdQueuesOf({ url, queue, queues }: RabbitmqConfig): string[] {
  return nameCreatedQueues(queue, url === '' ? 1 : queues);
}

/** The queues that may hold events from before `queues` was changed. */
export function formerCreatedQueuesOf({ queue, queues }: RabbitmqConfig): string[] {
  const numbered = nameCreatedQueues(queue, 64);
  return queues === 1 ? numbered : [queue, ...numbered.slice(queues)];
}

/** By default a queue of this Weir alone: two that share a broker must not park each other's messages. */
export function deadLetterQueueOf({ deadLetterQueue, queue }: RabbitmqConfig): string {
  const suffix = '.dead-letter';
  return deadLetterQueue || `${queue.slice(0, 255 - suffix.length)}${suffix}`;
}

interface OpenResultQueue {
  queue: ResultQueue;
  close: () => Promise<void> | void;
  notReady: () => string | undefined;
}

/** More than one or two batches, so that the next ones have arrived while one is being committed. */
const resultPrefetch = 2_000;

export function openResultQueue(data: DataConfig, database: Database, emit: Emit): OpenResultQueue {
  const { rabbitmq } = data;
  if (rabbitmq.url === '') {
    const isOnlyConsumer = isDatabaseEmbedded(data);
    const queue = new EmbeddedQueueConsumer(database, rabbitmq.resultQueue, { isOnlyConsumer });
    return { queue, close() {}, notReady: () => undefined };
  }
  const queue = new RabbitmqConsumer({
    ...brokerOptions(rabbitmq, emit),
    verify: verifyBroker(rabbitmq, database),
    queue: rabbitmq.resultQueue,
    prefetch: resultPrefetch,
  });
  return { queue, close: () => queue.close(), notReady: () => queue.notReady };
}

/** undefined when the queues are embedded: they drop nothing. */
export function openDeadLetterQueue(
  rabbitmq: RabbitmqConfig,
  database: Database,
  emit: Emit,
): RabbitmqConsumer | undefined {
  if (rabbitmq.url === '') return undefined;
  const queue = deadLetterQueueOf(rabbitmq);
  return new RabbitmqConsumer({
    ...brokerOptions(rabbitmq, emit),
    verify: verifyBroker(rabbitmq, database),
    queue,
    prefetch: deadLettersPerBatch,
  });
}

export interface QueueReader {
  /**
   * One reading for each queue of this kind; undefined where there is no such queue yet.
   * @throws when the broker does not answer
   */
  read(queue: WatchedQueue): Promise<(QueueReading | undefined)[]>;
  close: () => Promise<void> | void;
}

export function openQueueReader(config: Config, database: Database, emit: Emit): QueueReader {
  const { rabbitmq } = config.data;
  const names = { created: rabbitmq.queue, release: rabbitmq.releaseQueue, refund: rabbitmq.refundQueue };
  if (rabbitmq.url === '') {
    // The simulated Resource Domain is the only possible consumer of an embedded queue.
    const consumers = simulatesResource(config) ? 1 : 0;
    return {
      async read(queue) {
        const ready = await countQueued(database, names[queue]);
        if (queue === 'created') return [{ ready, consumers }];
        return [ready > 0 ? { ready, consumers: 0 } : undefined];
      },
      close() {},
    };
  }
  const reader = new RabbitmqQueueReader(brokerOptions(rabbitmq, emit));
  const created = createdQueuesOf(rabbitmq);
  return {
    read: (queue) =>
      Promise.all((queue === 'created' ? created : [names[queue]]).map((name) => reader.read(name))),
    close: () => reader.close(),
  };
}

export function simulatesResource({ resource: { simulate }, data }: Config): boolean {
  return simulate === 'true' || (simulate === 'auto' && data.rabbitmq.url === '');
}
