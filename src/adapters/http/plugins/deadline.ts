import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import type { Readiness } from '../routes/health.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** true: the route may take longer as long as the database answers others, as an audit or a wait for news. */
    isLong?: boolean;
  }
}

/** A caller gets an answer within five seconds, also from a database that is frozen. */
const deadlineMs = 4_500;
const lookAgainMs = 500;

type Work = (request: FastifyRequest, reply: FastifyReply) => unknown;

/**
 * Answers 503 in place of a handler that does not come back. Its work goes on, and whether it takes effect is unknown; a
 * repeat finds out, as after any lost answer.
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

/** `isOver`: asked at the deadline and from then on; without it the deadline itself is the end. `hasBegun`: there is none. */
export function withDeadline<T>(
  work: Promise<T>,
  isOver?: () => Promise<boolean>,
  hasBegun = () => false,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = () =>
      reject(
        new WeirError('STORE_UNAVAILABLE', 'no answer in time: the outcome is unknown, repeat the request'),
      );
    const look = async () => {
      if (hasBegun()) return;
      if (isOver === undefined || (await isOver())) give();
      else timer = setTimeout(look, lookAgainMs);
    };
    let timer = setTimeout(look, deadlineMs);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
