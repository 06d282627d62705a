import { context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { parseTraceparent } from '../../../core/instance/purchase.ts';
import { toContext, toTraceparent } from './traceparent.ts';

/** A request with a span. */
export interface TracedRequest {
  /** The context that the handler uses instead of the caller's; undefined: the caller's. */
  traceparent: string | undefined;
  end(status: number): void;
}

export interface RequestTracing {
  begin(request: { method: string; route: string; traceparent: unknown }): TracedRequest;
}

/** Emits a server span per request, unless instrumentation of Node's http has started one. */
export function createRequestTracing(tracer: Tracer): RequestTracing {
  return {
    begin({ method, route, traceparent }) {
      const isInstrumented = trace.getSpan(context.active()) !== undefined;
      const options = {
        kind: isInstrumented ? SpanKind.INTERNAL : SpanKind.SERVER,
        attributes: { 'http.request.method': method, 'http.route': route },
      };
      const parent = isInstrumented ? context.active() : toContext(parseTraceparent(traceparent).traceparent);
      const span = tracer.startSpan(`${method} ${route}`, options, parent);
      return {
        traceparent: span.isRecording() ? toTraceparent(span.spanContext()) : undefined,
        end: (status) => end(span, status),
      };
    },
  };
}

/**
 * A refusal is a normal answer; only server errors set the error status (semantic conventions for HTTP
 * servers).
 */
function end(span: Span, status: number): void {
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', `${status}`);
  span.end();
}
