import type { FastifyInstance } from 'fastify';
import type { Notify } from '../telemetry.ts';
import { problemOf } from './problem.ts';

/** Tells of each answer: by its route, not by its path, of which there are as many as callers like. */
export function watchRequests(http: FastifyInstance, notify: Notify): void {
  http.addHook('onResponse', (request, reply, done) => {
    notify({
      type: 'request answered',
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unmatched',
      status: reply.statusCode,
      problem: problemOf(reply),
      lastedMs: reply.elapsedTime,
      traceparent: request.headers.traceparent,
    });
    done();
  });
}
