import type {
  DoneFuncWithErrOrRes,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from 'fastify';
import type { Action } from '../../../ops/activity/activity.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { actorOf } from './auth.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What the route may leave in the activity log: the store that it calls writes the record in the commit of the change.
     * `none`: a route of programs, whose purchases, payments and tickets are on record themselves. A route that changes
     * something and does not say so ends the start.
     */
    activity?: readonly Action[] | 'none';
  }
}

/** Logs each successful change by an operator as it is answered, and requires of each route that it says what it changes. */
export function logActivity(http: FastifyInstance, emit: Emit): void {
  http.addHook('onRoute', (route) => {
    if (isRead(route.method)) return;
    const { activity, limited } = route.config ?? {};
    if (activity === undefined) {
      throw new Error(`${route.method} ${route.url} does not say what it changes: give it config.activity`);
    }
    // What programs do thousands of times a second pays nothing for this.
    if (activity === 'none' || limited === false) return;
    const log = (
      request: FastifyRequest,
      reply: FastifyReply,
      payload: unknown,
      done: DoneFuncWithErrOrRes,
    ) => {
      if (reply.statusCode < 400) emit(toEvent(request, activity));
      done(null, payload);
    };
    route.onSend = [...[route.onSend ?? []].flat(), log];
  });
}

function isRead(method: RouteOptions['method']): boolean {
  return method === 'GET' || method === 'HEAD';
}

function toEvent(request: FastifyRequest, activity: readonly Action[]) {
  const { method, url } = request.routeOptions;
  return {
    type: 'activity recorded' as const,
    requestId: request.id,
    by: actorOf(request).name,
    did: `${method} ${url}`,
    on: request.params as Record<string, string>,
    // A session is opened with a key, which no log may hold.
    asked: activity.includes('SESSION_OPENED') ? undefined : request.body,
  };
}
