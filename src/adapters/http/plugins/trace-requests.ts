import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestTracing, TracedRequest } from '../../../ops/telemetry/tracing/trace-requests.ts';
import { Attached } from './attached.ts';

/**
 * Begins the span of a request before its key is checked, so that a refused request has one too. The span's
 * context replaces the caller's in the header, so that handlers continue from it.
 */
export function traceRequests(http: FastifyInstance, tracing: RequestTracing): void {
  const open = new Attached<FastifyRequest, TracedRequest>();
  http.addHook('onRequest', (request, _, done) => {
    const { method, headers } = request;
    const route = request.routeOptions.url ?? '';
    if (!route.startsWith('/v1/')) return done();
    const traced = tracing.begin({ method, route, traceparent: headers.traceparent });
    open.set(request, traced);
    if (traced.traceparent !== undefined) headers.traceparent = traced.traceparent;
    done();
  });
  http.addHook('onResponse', (request, reply, done) => {
    open.get(request)?.end(reply.statusCode);
    done();
  });
}
