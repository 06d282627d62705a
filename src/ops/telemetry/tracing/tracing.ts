import { type Tracer, trace } from '@opentelemetry/api';
import type { CreateInstances } from '../../../core/instance/create-instances.ts';
import type { Publisher } from '../../../core/outbox/outbox.ts';
import type { ResultQueue, Settle } from '../../../core/results/take-results.ts';
import type { SeckillStreams } from '../../../core/triggers/seckill-streams.ts';
import { RecentTraces } from './recent-traces.ts';
import { traceCreation } from './trace-creation.ts';
import { tracePublisher } from './trace-publisher.ts';
import { createRequestTracing, type RequestTracing } from './trace-requests.ts';
import { traceResultQueue, traceSettle } from './trace-results.ts';
import { traceStreams } from './trace-streams.ts';

/** Each function wraps a component with one that also emits spans. */
export interface Tracing {
  streams(streams: SeckillStreams): SeckillStreams;
  creation(createInstances: CreateInstances): CreateInstances;
  publisher(publisher: Publisher): Publisher;
  resultQueue(queue: ResultQueue): ResultQueue;
  settle(settle: Settle): Settle;
  requests: RequestTracing | undefined;
}

/** Without an SDK every component is returned as it is, without overhead. */
const untraced: Tracing = {
  streams: (streams) => streams,
  creation: (createInstances) => createInstances,
  publisher: (publisher) => publisher,
  resultQueue: (queue) => queue,
  settle: (settle) => settle,
  requests: undefined,
};

interface TracedStores {
  redis: { addr: string };
  rabbitmq: { url: string; queue: string; resultQueue: string };
}

/**
 * Emits spans if an SDK was registered before the program started (`node --import`); decided once, at start.
 */
export function createTracing({ redis, rabbitmq }: TracedStores, tracer = findTracer()): Tracing {
  if (!tracer) return untraced;
  const recent = new RecentTraces();
  const streamSystem = redis.addr === '' ? 'weir' : 'redis';
  const system = rabbitmq.url === '' ? 'weir' : 'rabbitmq';
  const created = { system, name: rabbitmq.queue };
  const results = { system, name: rabbitmq.resultQueue };
  return {
    streams: (streams) => traceStreams(tracer, streamSystem, streams),
    creation: (createInstances) => traceCreation(tracer, created, recent, createInstances),
    publisher: (publisher) => tracePublisher(tracer, created, publisher),
    resultQueue: (queue) => traceResultQueue(tracer, results, queue),
    settle: (settle) => traceSettle(tracer, recent, settle),
    requests: createRequestTracing(tracer),
  };
}

/**
 * The API always returns a tracer, which is a proxy until an SDK registers one, so its provider is checked
 * for a delegate. By shape, not by class: the SDK may have its own copy of the API.
 */
function findTracer(): Tracer | undefined {
  const provider: object = trace.getTracerProvider();
  if (!('getDelegateTracer' in provider)) return trace.getTracer('weir');
  return (provider.getDelegateTracer as (name: string) => Tracer | undefined).call(provider, 'weir');
}
