import {
  type Attributes,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { withoutCredentials } from '../../../lib/credentials.ts';
import { toContext, toSpanContext } from './traceparent.ts';

interface BatchSpan {
  name: string;
  kind?: SpanKind;
  attributes: Attributes;
  /** Contexts of the sampled items in the batch; at least one. */
  traceparents: readonly string[];
  links?: readonly Link[];
}

/** Maximum links per span: SDKs keep 128 and silently drop the rest. */
const maxLinks = 128;

/**
 * Runs batch work in one active span, the parent of spans from instrumented clients. It belongs to the trace
 * of the first sampled item, so that it is kept when the service samples one in a hundred, and links to all
 * sampled items.
 */
export async function withBatchSpan<Result>(
  tracer: Tracer,
  { name, kind = SpanKind.INTERNAL, attributes, traceparents, links = [] }: BatchSpan,
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const others = traceparents.map((traceparent): Link => ({ context: toSpanContext(traceparent) }));
  const options = { kind, attributes, links: [...links, ...others].slice(0, maxLinks) };
  const span = tracer.startSpan(name, options, toContext(traceparents[0]));
  try {
    return await context.with(trace.setSpan(ROOT_CONTEXT, span), () => work(span));
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Records the message only: client errors contain commands, including passwords. */
function fail(span: Span, error: unknown): void {
  const message = withoutCredentials(error instanceof Error ? error.message : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
