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

export interface BatchSpan {
  name: string;
  kind?: SpanKind;
  attributes: Attributes;
  /** Of those in the batch that are sampled; at least one. */
  traceparents: readonly string[];
  links?: readonly Link[];
}

/** Links of one span: SDKs keep 128 and drop the rest without a word. */
const maxLinks = 128;

/**
 * One span around the work for many. It stands in the trace of the first, so that a service that samples one in a hundred does
 * not lose it for ninety-nine, and links to all of them. It is active meanwhile: what instrumentation of a client library
 * sees becomes its child.
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

/** The message alone: an error of a client library carries commands, and with them passwords. */
function fail(span: Span, error: unknown): void {
  const message = withoutCredentials(error instanceof Error ? error.message : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}
