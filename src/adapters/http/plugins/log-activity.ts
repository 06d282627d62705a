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
     * The actions that the route may write to the activity log; the store function that it calls writes the
     * record in the commit of the change. `none`: a route of programs, whose purchases, payments and tickets
     * are recorded anyway. A route that changes something and declares nothing fails the start.
     */
    activity?: readonly Action[] | 'none';
  }
}

/**
 * Logs each successful change by an operator, and requires every route that changes something to declare it.
 */
export function logActivity(http: FastifyInstance, emit: Emit): void {
  http.addHook('onRoute', (route) => {
    if (isRead(route.method)) return;
    const { activity, limited } = route.config ?? {};
    if (activity === undefined) {
      throw new Error(`${route.method} ${route.url} declares no activity: set config.activity`);
    }
    // No cost for what programs do thousands of times a second.
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
    // A session is opened with a key, which must not be logged.
    asked: activity.includes('SESSION_OPENED') ? undefined : request.body,
  };
}
