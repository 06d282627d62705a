import { type Span, SpanKind, type Tracer } from '@opentelemetry/api';
import { parseTraceparent } from '../instance/purchase.ts';
import {
  type SeckillStreams,
  type StreamBatch,
  type StreamEntry,
  streamPrefix,
} from '../triggers/seckill-stream.ts';
import { toContext, toTraceparent } from './traceparent.ts';

/** One product or ten thousand: the name of a span is of few. */
const template = `${streamPrefix}{productId}`;

/**
 * A span for each entry, from its reading to its acknowledgement, in the trace that its writer named, or a new one. An
 * entry that is not sampled goes on as it came.
 */
export function traceStreams(tracer: Tracer, system: string, streams: SeckillStreams): SeckillStreams {
  const open = new Map<string, Span>();
  const begin = (batches: StreamBatch[]) =>
    batches.map(({ stream, entries }) => {
      const attributes = {
        'messaging.system': system,
        'messaging.operation.type': 'process',
        'messaging.operation.name': 'process',
        'messaging.destination.name': stream,
        'messaging.destination.template': template,
      };
      const beginEntry = (entry: StreamEntry): StreamEntry => {
        if (!entry.fields) return entry;
        const { traceparent } = parseTraceparent(entry.fields.traceparent);
        const options = { kind: SpanKind.CONSUMER, attributes };
        const span = tracer.startSpan(`process ${template}`, options, toContext(traceparent));
        if (!span.isRecording()) return entry;
        span.setAttribute('messaging.message.id', entry.id);
        open.set(keyOf(stream, entry.id), span);
        return { ...entry, fields: { ...entry.fields, traceparent: toTraceparent(span.spanContext()) } };
      };
      return { stream, entries: entries.map(beginEntry) };
    });
  const end = (stream: string, id: string) => {
    open.get(keyOf(stream, id))?.end();
    open.delete(keyOf(stream, id));
  };
  return {
    discover: () => streams.discover(),
    read: async (count, blockMs) => begin(await streams.read(count, blockMs)),
    takeOver: async (count, minIdleMs) => begin(await streams.takeOver(count, minIdleMs)),
    readOriginal: (stream, id) => streams.readOriginal(stream, id),
    async acknowledge(stream, ids) {
      await streams.acknowledge(stream, ids);
      if (open.size > 0) for (const id of ids) end(stream, id);
    },
    trim: (keepMs) => streams.trim(keepMs),
  };
}

function keyOf(stream: string, id: string): string {
  return `${stream} ${id}`;
}
