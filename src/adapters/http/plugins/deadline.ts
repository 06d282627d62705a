import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import type { Readiness } from '../routes/health.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * true: the route may take longer while the database answers other queries, such as an audit or a long
     * poll.
     */
    isLong?: boolean;
  }
}

/** Every caller gets an answer within five seconds, even while the database is frozen. */
const deadlineMs = 4_500;
const recheckMs = 500;

type Work = (request: FastifyRequest, reply: FastifyReply) => unknown;

/**
 * Answers 503 in place of a handler that does not return. Its work continues, and whether it takes effect is
 * unknown; a repeat finds out, as after any lost answer.
 */
export function boundHandlers(http: FastifyInstance, readiness: Readiness): void {
  const isFrozen = async () => (await readiness.database?.()) !== undefined;
  http.addHook('onRoute', (route) => {
    const { scope, isLong } = route.config ?? {};
    if (scope === undefined || scope === 'open') return;
    const handle = route.handler as Work;
    route.handler = function bounded(this: unknown, request, reply): unknown {
      const answer = handle.call(this, request, reply);
      // What has begun cannot be replaced: a stream has patience of its own.
      const hasBegun = () => reply.raw.headersSent;
      return answer instanceof Promise
        ? withDeadline(answer, isLong ? isFrozen : undefined, hasBegun)
        : answer;
    } as typeof route.handler;
  });
}

/**
 * `isOver`: called at the deadline and repeatedly after it; without it, the deadline is final. `hasBegun`: then
 * there is no deadline.
 */
export function withDeadline<T>(
  work: Promise<T>,
  isOver?: () => Promise<boolean>,
  hasBegun = () => false,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () =>
      reject(
        new WeirError('STORE_UNAVAILABLE', 'no response in time: the outcome is unknown, repeat the request'),
      );
    const check = async () => {
      if (hasBegun()) return;
      if (isOver === undefined || (await isOver())) give();
      else timer = setTimeout(check, recheckMs);
    };
    let timer = setTimeout(check, deadlineMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
