import { type Link, type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import { parseTraceparent } from '../../../core/instance/purchase.ts';
import type { ResultMessage, ResultQueue, Settle } from '../../../core/results/take-results.ts';
import { withBatchSpan } from './batch-span.ts';
import type { RecentTraces } from './recent-traces.ts';
import type { Destination } from './trace-creation.ts';
import { isSampled, toContext, toSpanContext, toTraceparent } from './traceparent.ts';

/** Emits a span per result, from arrival to acknowledgement, in the trace of its header or a new one. */
export function traceResultQueue(
  tracer: Tracer,
  { system, name }: Destination,
  queue: ResultQueue,
): ResultQueue {
  const open = new WeakMap<ResultMessage, Span>();
  const attributes = {
    'messaging.system': system,
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'process',
    'messaging.destination.name': name,
  };
  const options = { kind: SpanKind.CONSUMER };
  const begin = (message: ResultMessage): ResultMessage => {
    const { traceparent } = parseTraceparent(message.traceparent);
    const span = tracer.startSpan(`process ${name}`, options, toContext(traceparent));
    if (!span.isRecording()) return message;
    span.setAttributes(attributes);
    const continued = { ...message, traceparent: toTraceparent(span.spanContext()) };
    open.set(continued, span);
    return continued;
  };
  return {
    take: async (count, signal) => (await queue.take(count, signal)).map(begin),
    async acknowledge(messages) {
      await queue.acknowledge(messages);
      for (const message of messages) open.get(message)?.end();
    },
    pause: () => queue.pause(),
    resume: () => queue.resume(),
    returnDeliveries: (reason) => queue.returnDeliveries(reason),
    readProgress: () => queue.readProgress(),
  };
}

/**
 * Emits one span per commit of results with a sampled one, linked to the results and, if this process
 * remembers it, to the trace that created the instance: a Resource Domain may have started its own trace.
 */
export function traceSettle(tracer: Tracer, recent: RecentTraces, settle: Settle): Settle {
  return async (results) => {
    const traceparents = results.map(({ traceparent }) => traceparent).filter(isSampled);
    if (traceparents.length === 0) return settle(results);
    const links = results.flatMap(({ instanceId, traceparent }): Link[] => {
      const made = isSampled(traceparent) ? recent.find(instanceId) : undefined;
      if (made === undefined) return [];
      return [
        { context: toSpanContext(made), attributes: { 'messaging.message.id': instanceId.toString() } },
      ];
    });
    const batch = {
      name: 'settle results',
      attributes: { 'weir.results': results.length },
      traceparents,
      links,
    };
    return withBatchSpan(tracer, batch, async (span) => {
      const settled = await settle(results);
      for (const kind of new Set(settled)) {
        span.setAttribute(`weir.settled.${kind}`, settled.filter((other) => other === kind).length);
      }
      return settled;
    });
  };
}
