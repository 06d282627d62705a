import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../../api/answers.ts';
import { adviceFor, type ErrorCode, toWeirError, WeirError } from '../../../errors.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { Attached } from './attached.ts';
import { statuses } from './statuses.ts';

const problems = new Attached<FastifyReply, string>();

/** The problem code of the answer. */
export function problemOf(reply: FastifyReply): string | undefined {
  return problems.get(reply);
}

export function noteProblem(reply: FastifyReply, code: string): void {
  problems.set(reply, code);
}

const extensions = new Attached<FastifyReply, object>();

/** Adds members to those of RFC 9457, in case the answer becomes a problem. */
export function addToProblem(reply: FastifyReply, members: object): void {
  extensions.set(reply, members);
}

export const problemType = 'application/problem+json';

/** Sends `Retry-After` if it is set already, or if the error is worth retrying. */
export function sendProblem(
  reply: FastifyReply,
  problem: Omit<Problem, 'type'>,
  retryAfterMs = 1_000,
): FastifyReply {
  noteProblem(reply, problem.code);
  reply.header('x-request-id', reply.request.id).header('cache-control', 'no-store');
  const mayPass = problem.status === 503 || problem.status === 429;
  if (mayPass && !reply.hasHeader('retry-after')) {
    reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  }
  return reply
    .status(problem.status)
    .type(problemType)
    .send({ ...toProblem(problem), ...extensions.get(reply) });
}

export function toProblem(problem: Omit<Problem, 'type'>): Problem {
  return { type: `urn:weir:problem:${problem.code.toLowerCase().replaceAll('_', '-')}`, ...problem };
}

/** The problem of an expected refusal, without the cost of an Error. */
export function describeProblem(code: ErrorCode, detail: string): Problem {
  return toProblem({
    ...{ title: titleOf(code), status: statuses[code], code, detail },
    advice: adviceFor(code),
  });
}

export interface ProblemDeps {
  emit: Emit;
  /** Whether a failure of the store may pass without intervention. */
  isTransient: (error: unknown) => boolean;
}

/**
 * The only place where an error becomes an answer. An unknown error is a bug: answered with 500 and logged,
 * and its text stays inside.
 *
 * Closes the connection of a client that gets 429 or 503, so that another can use it, unless it is shared.
 *
 * @param sharesConnection whether several clients use the connection, as behind a proxy
 */
export function createErrorHandler(
  { emit, isTransient }: ProblemDeps,
  sharesConnection: (request: FastifyRequest) => boolean = () => true,
) {
  const reportStore = createStoreReport(emit);
  return (error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const known = toKnown(error, isTransient);
    const status = statuses[known.code];
    if ((status === 429 || status === 503) && !sharesConnection(request)) reply.header('connection', 'close');
    // An unavailable store is reported by the parts that wait for it; a refusal may affect requests only.
    if (known.code === 'STORE_UNAVAILABLE' && isRefusal(known.cause)) reportStore(known.cause);
    if (status === 500) {
      emit({
        type: 'request failed',
        requestId: request.id,
        route: `${request.method} ${request.routeOptions.url ?? 'unmatched'}`,
        traceparent: request.headers.traceparent,
        error,
      });
    }
    if (known.code === 'REQUEST_INVALID' && isFastifyError(error)) {
      // 413 and 415 are more specific than 400.
      const exact = error.statusCode && error.statusCode !== 400 ? error.statusCode : status;
      return sendProblem(reply, {
        title: titleOf(known.code),
        status: exact,
        code: known.code,
        detail: error.message,
      });
    }
    const detail = known.code === 'INTERNAL' ? `internal error in request ${request.id}` : known.message;
    return sendProblem(
      reply,
      {
        ...{ title: titleOf(known.code), status, code: known.code, detail },
        ...(Object.keys(known.params).length > 0 ? { params: known.params } : {}),
        advice: known.advice,
      },
      known.retryAfterMs,
    );
  };
}

/** A store that rejects the configuration rejects every request: the cause is logged once in this time. */
const storeReportEveryMs = 5_000;

function createStoreReport(emit: Emit): (error: unknown) => void {
  let reportedAt = Number.NEGATIVE_INFINITY;
  return (error) => {
    if (performance.now() - reportedAt < storeReportEveryMs) return;
    reportedAt = performance.now();
    emit({ type: 'store failed', store: 'database', error, attempt: 1 });
  };
}

function toKnown(error: FastifyError | Error, isTransient: ProblemDeps['isTransient']): WeirError {
  if (error instanceof WeirError && error.code !== 'INTERNAL') return error;
  if (isTransient(error instanceof WeirError ? error.cause : error)) {
    const what = isRefusal(error) ? 'the database refuses the request' : 'the database does not answer';
    return new WeirError('STORE_UNAVAILABLE', what, { cause: error });
  }
  if (isFastifyError(error) && (error.statusCode ?? 500) < 500) {
    return new WeirError('REQUEST_INVALID', error.message, { cause: error });
  }
  return toWeirError(error);
}

/**
 * The database answered with an SQLSTATE that waiting alone does not cure; the log contains the complete
 * error.
 */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    /^(?!08|40|53|55|57|58)(?=.*\d)[0-9A-Z]{5}$/.test(String(error.code))
  );
}

function isFastifyError(error: Error): error is FastifyError {
  return 'statusCode' in error && typeof error.statusCode === 'number';
}

/** USER_ID_INVALID → User id invalid. */
function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
