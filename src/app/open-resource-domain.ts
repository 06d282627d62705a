import { embeddedQueue } from '../adapters/embedded/queue.ts';
import { EmbeddedQueueConsumer } from '../adapters/embedded/queue-consumer.ts';
import { RabbitmqConsumer } from '../adapters/rabbitmq/consumer.ts';
import { RabbitmqPublisher } from '../adapters/rabbitmq/publisher.ts';
import type { Config } from '../config/config.ts';
import type { InstanceId } from '../core/instance/purchase.ts';
import type { Message } from '../core/outbox/outbox-batch.ts';
import { encodeResult, type InstanceResult, instanceResult } from '../core/results/result.ts';
import { systemClock } from '../lib/clock.ts';
import type { Database } from '../lib/sql.ts';
import { ResourceDomain, type ResourceTally } from '../ops/resource-domain/resource-domain.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import { brokerOptions, confirmDeadlineMs, createdQueuesOf } from './queues.ts';
import { isDatabaseEmbedded } from './stores.ts';

type OnAnswered = (tally: Readonly<ResourceTally>) => void;

export interface OpenResourceDomain {
  run(signal: AbortSignal): Promise<void>;
  fail(instanceId: InstanceId): boolean;
  close: () => Promise<void> | void;
}

/** The simulated Resource Domain between the two queues at the broker. */
export function openResourceDomain(config: Config, emit: Emit, onAnswered: OnAnswered): OpenResourceDomain {
  const { resource } = config;
  const { rabbitmq } = config.data;
  const broker = brokerOptions(rabbitmq, emit);
  // As many as arrive within the delay at full speed, and no more: with 20,000 the broker spends a fifth more
  // on each message than with 2,000.
  const created = createdQueuesOf(rabbitmq);
  const prefetch = Math.ceil(Math.min(20_000, 2_000 + resource.delayMs * 10) / created.length);
  const queue = new RabbitmqConsumer({ ...broker, queue: created, prefetch });
  const publisher = new RabbitmqPublisher({
    ...broker,
    queue: created,
    queues: { [instanceResult]: rabbitmq.resultQueue },
    confirmDeadlineMs,
  });
  const answer = async (results: readonly InstanceResult[]) => {
    const refused = await publisher.publish(results.map(toResultMessage));
    if (refused.length > 0) throw new Error(`${refused.length} results were refused: ${refused[0]?.why}`);
  };
  const parts = { queue, answer, ...resourceDeps(emit, onAnswered) };
  const domain = new ResourceDomain(parts, resource);
  return {
    run: (signal) => domain.run(signal),
    fail: (instanceId) => domain.fail(instanceId),
    async close() {
      await queue.close();
      await publisher.close();
    },
  };
}

/** The same between two embedded queues. */
export function openEmbeddedResourceDomain(
  config: Config,
  database: Database,
  emit: Emit,
  onAnswered: OnAnswered,
): OpenResourceDomain {
  const { data, resource } = config;
  const { queue: created, resultQueue } = data.rabbitmq;
  const queue = new EmbeddedQueueConsumer(database, created, { isOnlyConsumer: isDatabaseEmbedded(data) });
  const publisher = embeddedQueue(database, created, { [instanceResult]: resultQueue });
  const answer = async (results: readonly InstanceResult[]) => {
    await publisher.publish(results.map(toResultMessage));
  };
  const parts = { queue, answer, ...resourceDeps(emit, onAnswered) };
  const domain = new ResourceDomain(parts, resource);
  return {
    run: (signal) => domain.run(signal),
    fail: (instanceId) => domain.fail(instanceId),
    close() {},
  };
}

function resourceDeps(emit: Emit, onAnswered: OnAnswered) {
  const onFailure = (error: unknown, attempt: number) =>
    emit({ type: 'store failed', store: 'resource domain', error, attempt });
  return { clock: systemClock, onAnswered, onFailure };
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
