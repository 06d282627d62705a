import { type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import { parseTraceparent } from '../../../core/instance/purchase.ts';
import { streamPrefix } from '../../../core/triggers/seckill-key.ts';
import type { SeckillStreams, StreamBatch, StreamEntry } from '../../../core/triggers/seckill-streams.ts';
import { toContext, toTraceparent } from './traceparent.ts';

/** One product or ten thousand: the name of a span is of few. */
const template = `${streamPrefix}{productId}`;
const name = `process ${template}`;
const options = { kind: SpanKind.CONSUMER };

/**
 * A span for each entry, from its reading to its acknowledgement, in the trace that its writer named, or a new one. An
 * entry that is not sampled goes on as it came: so it is with most, and nothing is put together for them. Attributes come
 * after the decision, since handed over before they are half of what it costs.
 */
export function traceStreams(tracer: Tracer, system: string, streams: SeckillStreams): SeckillStreams {
  const open = new Map<string, Map<string, Span>>();
  const keep = (stream: string, id: string, span: Span) => {
    const spans = open.get(stream);
    // It was read before, and is taken over from ourselves.
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
