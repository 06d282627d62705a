import { type Tracer, trace } from '@opentelemetry/api';
import type { CreateInstances } from '../../../core/instance/create-instances.ts';
import type { Publisher } from '../../../core/outbox/relay.ts';
import type { ResultQueue, Settle } from '../../../core/results/take-results.ts';
import type { SeckillStreams } from '../../../core/triggers/seckill-streams.ts';
import { RecentTraces } from './recent-traces.ts';
import { traceCreation } from './trace-creation.ts';
import { tracePublisher } from './trace-publisher.ts';
import { createRequestTracing, type RequestTracing } from './trace-requests.ts';
import { traceResultQueue, traceSettle } from './trace-results.ts';
import { traceStreams } from './trace-streams.ts';

/** Each wraps a component with one that also emits spans. */
export interface Tracing {
  streams(streams: SeckillStreams): SeckillStreams;
  creation(createInstances: CreateInstances): CreateInstances;
  publisher(publisher: Publisher): Publisher;
  resultQueue(queue: ResultQueue): ResultQueue;
  settle(settle: Settle): Settle;
  requests: RequestTracing | undefined;
}

/** Without an SDK every component stays as it is: no call is added. */
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

/** Emits spans where an SDK was set up before the program began (`node --import`); decided once, at start. */
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
 * The API itself always gives a tracer, which does nothing until an SDK registers one; asked for the one behind it, its
 * provider says whether there is one. By shape, not by class: the SDK may have come with a copy of its own.
 */
function findTracer(): Tracer | undefined {
  const provider: object = trace.getTracerProvider();
  if (!('getDelegateTracer' in provider)) return trace.getTracer('weir');
  return (provider.getDelegateTracer as (name: string) => Tracer | undefined).call(provider, 'weir');
}
