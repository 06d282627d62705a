import type { FastifyInstance } from 'fastify';
import type { Notify } from '../telemetry.ts';
import { operatorOf } from './auth.ts';

/**
 * Tells who changed what, once it is done. What programs do thousands of times a second (`limited: false`) is told by the
 * metrics and by what became of it.
 */
export function tellActs(http: FastifyInstance, notify: Notify): void {
  http.addHook('onSend', (request, reply, payload, done) => {
    const { scope, limited, opensSession } = request.routeOptions.config;
    const isAct = (scope === 'act' || scope === 'admin') && limited !== false && request.method !== 'GET';
    if ((isAct || opensSession) && reply.statusCode < 400) {
      notify({
        type: 'operator acted',
        requestId: request.id,
        by: operatorOf(request),
        did: `${request.method} ${request.routeOptions.url}`,
        on: request.params as Record<string, string>,
        // A session is opened with a key, which no log may hold.
        asked: opensSession ? undefined : request.body,
      });
    }
    done(null, payload);
  });
}
