import type {
  DoneFuncWithErrOrRes,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  RouteOptions,
} from 'fastify';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { operatorOf } from './auth.ts';

/**
 * Records each successful change. What programs do thousands of times a second (`limited: false`) is covered by the
 * metrics and by what became of it, and such a route pays nothing for this.
 */
export function recordActivity(http: FastifyInstance, emit: Emit): void {
  http.addHook('onRoute', (route) => {
    if (!isAct(route)) return;
    const tell = (
      request: FastifyRequest,
      reply: FastifyReply,
      payload: unknown,
      done: DoneFuncWithErrOrRes,
    ) => {
      if (reply.statusCode < 400) emit(toAct(request));
      done(null, payload);
    };
    route.onSend = [...[route.onSend ?? []].flat(), tell];
  });
}

function isAct({ method, config = {} }: RouteOptions): boolean {
  const { scope, limited, opensSession } = config;
  const isChange = (scope === 'act' || scope === 'admin') && limited !== false && !isRead(method);
  return isChange || opensSession === true;
}

function isRead(method: RouteOptions['method']): boolean {
  return method === 'GET' || method === 'HEAD';
}

function toAct(request: FastifyRequest) {
  const { method, url, config } = request.routeOptions;
  return {
    type: 'activity recorded' as const,
    requestId: request.id,
    by: operatorOf(request),
    did: `${method} ${url}`,
    on: request.params as Record<string, string>,
    // A session is opened with a key, which no log may hold.
    asked: config.opensSession ? undefined : request.body,
  };
}
