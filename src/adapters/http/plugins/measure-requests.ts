import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { Attached } from './attached.ts';
import { problemOf } from './problem.ts';

/**
 * Emits an event for each answer, labelled with its route, because callers can send any number of paths.
 * Emitted when the answer is sent, not when its last byte has left: listening for that costs 20 µs per
 * answer, a third of a refusal at the admission of a sale.
 */
export function watchRequests(http: FastifyInstance, emit: Emit): void {
  const begun = new Attached<FastifyRequest, number>();
  http.addHook('onRequest', (request, _, done) => {
    begun.set(request, performance.now());
    done();
  });
  http.addHook('onSend', (request, reply, payload, done) => {
    emit({
      type: 'request answered',
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unmatched',
      status: reply.statusCode,
      problem: problemOf(reply),
      durationMs: performance.now() - (begun.get(request) ?? 0),
      traceparent: request.headers.traceparent,
    });
    done(null, payload);
  });
}

/** Unique across processes, at a tenth of the cost of a random id each time. */
export function createRequestIds(): () => string {
  const process = randomBytes(6).toString('hex');
  let count = 0;
  return () => `${process}-${++count}`;
}
