import { type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import { parseTraceparent } from '../../../core/instance/purchase.ts';
import { streamPrefix } from '../../../core/triggers/seckill-key.ts';
import type { SeckillStreams, StreamBatch, StreamEntry } from '../../../core/triggers/seckill-streams.ts';
import { toContext, toTraceparent } from './traceparent.ts';

/** Span names must have low cardinality, so the product id is a placeholder. */
const template = `${streamPrefix}{productId}`;
const name = `process ${template}`;
const options = { kind: SpanKind.CONSUMER };

/**
 * Emits a span per entry, from read to acknowledgement, in the writer's trace or a new one. Unsampled
 * entries, the majority, are passed through without allocation. Attributes are set after the sampling
 * decision: passed earlier, they are half of the cost.
 */
export function traceStreams(tracer: Tracer, system: string, streams: SeckillStreams): SeckillStreams {
  const open = new Map<string, Map<string, Span>>();
  const keep = (stream: string, id: string, span: Span) => {
    const spans = open.get(stream);
    // The entry was read before, and is now taken over from ourselves.
    spans?.get(id)?.end();
    if (spans) spans.set(id, span);
    else open.set(stream, new Map([[id, span]]));
  };
  const begin = (stream: string, entry: StreamEntry): StreamEntry => {
    if (!entry.fields) return entry;
    const { traceparent } = parseTraceparent(entry.fields.traceparent);
    const span = tracer.startSpan(name, options, toContext(traceparent));
    if (!span.isRecording()) return entry;
    span.setAttributes({
      'messaging.system': system,
      'messaging.operation.type': 'process',
      'messaging.operation.name': 'process',
      'messaging.destination.name': stream,
      'messaging.destination.template': template,
      'messaging.message.id': entry.id,
    });
    keep(stream, entry.id, span);
    return { ...entry, fields: { ...entry.fields, traceparent: toTraceparent(span.spanContext()) } };
  };
  const beginAll = (batches: StreamBatch[]) =>
    batches.map((batch) => ({
      ...batch,
      entries: batch.entries.map((entry) => begin(batch.stream, entry)),
    }));
  const end = (stream: string, ids: readonly string[]) => {
    const spans = open.get(stream);
    if (!spans) return;
    for (const id of ids) {
      spans.get(id)?.end();
      spans.delete(id);
    }
    if (spans.size === 0) open.delete(stream);
  };
  return {
    discover: () => streams.discover(),
    read: async (...args) => beginAll(await streams.read(...args)),
    readAgain: (stream) => streams.readAgain(stream),
    takeOver: async (...args) => beginAll(await streams.takeOver(...args)),
    keep: (stream, ids) => streams.keep(stream, ids),
    setDeliveries: (stream, id, deliveries) => streams.setDeliveries(stream, id, deliveries),
    readOriginals: (stream, ids) => streams.readOriginals(stream, ids),
    async acknowledge(stream, ids) {
      await streams.acknowledge(stream, ids);
      end(stream, ids);
    },
    trim: (keepMs) => streams.trim(keepMs),
  };
}
