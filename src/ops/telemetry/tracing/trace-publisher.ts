import { SpanKind, type Tracer } from '@opentelemetry/api';
import type { Publisher } from '../../../core/outbox/outbox.ts';
import { withBatchSpan } from './batch-span.ts';
import type { Destination } from './trace-creation.ts';
import { isSampled } from './traceparent.ts';

/**
 * Emits one span per batch with a sampled message, from the first byte to the last confirm. Its kind is
 * CLIENT, not PRODUCER: the context in a message's header is that of its creation (OpenTelemetry's semantic
 * conventions for messaging).
 */
export function tracePublisher(
  tracer: Tracer,
  { system, name }: Destination,
  publisher: Publisher,
): Publisher {
  const attributes = {
    'messaging.system': system,
    'messaging.operation.type': 'send',
    'messaging.operation.name': 'send',
    'messaging.destination.name': name,
  };
  return {
    get notReady() {
      return publisher.notReady;
    },
    get refusing() {
      return publisher.refusing;
    },
    ready: (signal) => publisher.ready(signal),
    async publish(messages) {
      const traceparents = messages.map(({ traceparent }) => traceparent).filter(isSampled);
      if (traceparents.length === 0) return publisher.publish(messages);
      const batch = {
        name: `send ${name}`,
        kind: SpanKind.CLIENT,
        attributes: { ...attributes, 'messaging.batch.message_count': messages.length },
        traceparents,
      };
      return withBatchSpan(tracer, batch, async (span) => {
        const refusals = await publisher.publish(messages);
        if (refusals.length > 0) span.setAttribute('weir.refused', refusals.length);
        return refusals;
      });
    },
  };
}
