import { type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import type { CreateInstances, Outcome } from '../../../core/instance/create-instances.ts';
import type { Purchase } from '../../../core/instance/purchase.ts';
import { withBatchSpan } from './batch-span.ts';
import type { RecentTraces } from './recent-traces.ts';
import { isSampled, toContext, toTraceparent } from './traceparent.ts';

export interface Destination {
  system: string;
  name: string;
}

/**
 * Emits a span per sampled purchase, whose context is stored in the batch and sent in the header on every
 * publication, and one span for the commit. Free for a batch without a sampled purchase.
 */
export function traceCreation(
  tracer: Tracer,
  { system, name }: Destination,
  recent: RecentTraces,
  createInstances: CreateInstances,
): CreateInstances {
  const attributes = {
    'messaging.system': system,
    'messaging.operation.type': 'create',
    'messaging.operation.name': 'create',
    'messaging.destination.name': name,
  };
  const begin = ({ source, sourceId, scope, traceparent }: Purchase): Span => {
    const span = tracer.startSpan(
      `create ${name}`,
      { kind: SpanKind.PRODUCER, attributes },
      toContext(traceparent),
    );
    span.setAttributes({ 'weir.source': source, 'weir.source_id': sourceId, 'weir.scope': scope });
    return span;
  };
  return async (purchases) => {
    if (!purchases.some(({ traceparent }) => isSampled(traceparent))) return createInstances(purchases);
    const spans = purchases.map((purchase) =>
      isSampled(purchase.traceparent) ? begin(purchase) : undefined,
    );
    const continued = purchases.map((purchase, i) => {
      const span = spans[i];
      return span ? { ...purchase, traceparent: toTraceparent(span.spanContext()) } : purchase;
    });
    const batch = {
      name: 'commit instances',
      attributes: { 'weir.purchases': purchases.length },
      traceparents: continued.flatMap(({ traceparent }, i) => (spans[i] && traceparent ? [traceparent] : [])),
    };
    try {
      const outcomes = await withBatchSpan(tracer, batch, () => createInstances(continued));
      outcomes.forEach((outcome, i) => {
        const span = spans[i];
        if (span) describe(span, outcome);
        if (span && outcome.kind === 'created') {
          recent.remember(outcome.instance.instanceId, toTraceparent(span.spanContext()));
        }
      });
      return outcomes;
    } finally {
      for (const span of spans) span?.end();
    }
  };
}

function describe(span: Span, outcome: Outcome): void {
  span.setAttribute('weir.outcome', outcome.kind);
  if (outcome.kind === 'refused') span.setAttribute('error.type', outcome.error.code);
  else span.setAttribute('messaging.message.id', outcome.instance.instanceId.toString());
}
