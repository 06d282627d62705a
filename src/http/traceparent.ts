import type { FastifyRequest } from 'fastify';

// W3C Trace Context, version 00.
const traceparent = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's trace context, or undefined when there is none or it is not well formed. */
export function readTraceparent(request: FastifyRequest): string | undefined {
  const value = request.headers.traceparent;
  return typeof value === 'string' && traceparent.test(value) ? value : undefined;
}
