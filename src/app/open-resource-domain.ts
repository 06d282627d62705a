import { embeddedQueue } from '../adapters/embedded/queue.ts';
import { EmbeddedQueueConsumer } from '../adapters/embedded/queue-consumer.ts';
import { RabbitmqConsumer } from '../adapters/rabbitmq/consumer.ts';
import { RabbitmqPublisher } from '../adapters/rabbitmq/publisher.ts';
import type { Config } from '../config/config.ts';
import type { InstanceId } from '../core/instance/purchase.ts';
import type { Publisher } from '../core/outbox/outbox.ts';
import type { Message } from '../core/outbox/outbox-batch.ts';
import { encodeResult, type InstanceResult, instanceResult } from '../core/results/result.ts';
import { systemClock } from '../lib/clock.ts';
import type { Database } from '../lib/sql.ts';
import {
  type CreatedMessage,
  type CreatedQueue,
  ResourceDomain,
  type ResourceTally,
} from '../ops/resource-domain/resource-domain.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import { brokerOptions, confirmDeadlineMs, createdQueuesOf } from './queues.ts';
import { reportFailure } from './report-failure.ts';
import { isDatabaseEmbedded } from './stores.ts';

type OnAnswered = (tally: Readonly<ResourceTally>) => void;

/** The queue of events, and a publisher to the result queue. */
interface ResourceQueues<Message extends CreatedMessage = CreatedMessage> {
  created: CreatedQueue<Message>;
  results: Pick<Publisher, 'publish'>;
  close: () => Promise<void> | void;
}

export interface OpenResourceDomain {
  run(signal: AbortSignal): Promise<void>;
  fail(instanceId: InstanceId): boolean;
  close: () => Promise<void> | void;
}

export function openBrokerQueues({ data: { rabbitmq }, resource }: Config, emit: Emit) {
  const broker = brokerOptions(rabbitmq, emit);
  const queue = createdQueuesOf(rabbitmq);
  // As many as arrive within the delay at full speed, and no more: with 20,000 the broker spends a fifth more
  // on each message than with 2,000.
  const prefetch = Math.ceil(Math.min(20_000, 2_000 + resource.delayMs * 10) / queue.length);
  const created = new RabbitmqConsumer({ ...broker, queue, prefetch });
  const queues = { [instanceResult]: rabbitmq.resultQueue };
  const results = new RabbitmqPublisher({ ...broker, queue, queues, confirmDeadlineMs });
  return {
    ...{ created, results },
    async close() {
      await created.close();
      await results.close();
    },
  };
}

export function openEmbeddedQueues({ data }: Config, database: Database) {
  const { queue, resultQueue } = data.rabbitmq;
  return {
    created: new EmbeddedQueueConsumer(database, queue, { isOnlyConsumer: isDatabaseEmbedded(data) }),
    results: embeddedQueue(database, queue, { [instanceResult]: resultQueue }),
    close() {},
  };
}

/** The simulated Resource Domain between the two queues. */
export function openResourceDomain<Message extends CreatedMessage>(
  { created, results, close }: ResourceQueues<Message>,
  behaviour: Config['resource'],
  emit: Emit,
  onAnswered: OnAnswered,
): OpenResourceDomain {
  const domain = new ResourceDomain(
    {
      queue: created,
      async answer(answers) {
        const refused = await results.publish(answers.map(toResultMessage));
        if (refused.length > 0) throw new Error(`${refused.length} results were refused: ${refused[0]?.why}`);
      },
      clock: systemClock,
      onAnswered,
      onFailure: reportFailure(emit, 'resource domain'),
    },
    behaviour,
  );
  return {
    run: (signal) => domain.run(signal),
    fail: (instanceId) => domain.fail(instanceId),
    close,
  };
}

function toResultMessage(result: InstanceResult): Message {
  return {
    id: `${result.instanceId}-${result.status}`,
    type: instanceResult,
    body: encodeResult(result),
    createdAt: result.answeredAt,
    traceparent: result.traceparent,
  };
}
