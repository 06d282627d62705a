import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../../api/answers.ts';
import { adviceFor, type ErrorCode, toWeirError, WeirError } from '../../../errors.ts';
import type { Emit } from '../../../ops/telemetry/events.ts';
import { Attached } from './attached.ts';

const statuses: Record<ErrorCode, number> = {
  USER_ID_INVALID: 400,
  PRODUCT_ID_INVALID: 400,
  SOURCE_INVALID: 400,
  SOURCE_ID_INVALID: 400,
  SCOPE_INVALID: 400,
  REQUEST_INVALID: 400,
  RESULT_INVALID: 400,
  SIGNATURE_INVALID: 401,
  SIGNED_ORDER_DIFFERS: 401,
  UNAUTHENTICATED: 401,
  INSUFFICIENT_SCOPE: 403,
  ORIGIN_NOT_ALLOWED: 403,
  PRODUCT_NOT_FOUND: 404,
  ORDER_NOT_FOUND: 404,
  INSTANCE_NOT_FOUND: 404,
  RESULT_NOT_FOUND: 404,
  PARKED_NOT_FOUND: 404,
  PARKED_JOB_NOT_FOUND: 404,
  STREAM_NOT_FOUND: 404,
  SALE_NOT_FOUND: 404,
  KEY_NOT_FOUND: 404,
  KEY_CONFLICT: 409,
  KEY_LIMIT: 409,
  SALE_CONFLICT: 409,
  NOT_STARTED: 409,
  PAUSED: 409,
  ENDED: 409,
  SOLD_OUT: 409,
  LIMIT_REACHED: 409,
  KEY_EXPIRY_INVALID: 422,
  TICKET_REQUIRED: 403,
  TICKET_INVALID: 403,
  NOT_ADMITTED: 409,
  TICKETS_CLOSED: 409,
  TICKETS_UNUSED: 409,
  PURCHASE_NOT_FOUND: 404,
  SALE_WINDOW_INVALID: 422,
  PURCHASE_CONFLICT: 409,
  UNIT_SOLD_TWICE: 409,
  ORDER_CONFLICT: 409,
  ORDER_NOT_PAYABLE: 409,
  PAYMENT_AMOUNT_MISMATCH: 409,
  ORDER_NOT_CANCELLABLE: 409,
  IDEMPOTENCY_CONFLICT: 409,
  PRODUCT_CONFLICT: 409,
  INSTANCE_SETTLED: 409,
  INSTANCE_NOT_RELEASABLE: 409,
  RESULT_LATE: 409,
  RESULT_CONFLICT: 409,
  PARKED_RESOLVED: 409,
  PARKED_JOB_ENDED: 409,
  ORDER_NOT_REFUNDABLE: 409,
  PRODUCT_DISABLED: 422,
  NOTHING_TO_REPLAY: 422,
  MAX_DELIVERIES_EXCEEDED: 500,
  ENTRY_DELETED: 500,
  MESSAGE_REFUSED: 500,
  RESTOCK_FAILED: 500,
  DELIVERY_LIMIT: 500,
  MESSAGE_REJECTED: 500,
  MESSAGE_EXPIRED: 500,
  QUEUE_FULL: 500,
  DEAD_LETTERED: 500,
  OUTBOX_BATCH_CORRUPT: 500,
  INTERNAL: 500,
  RATE_LIMITED: 429,
  STORE_UNAVAILABLE: 503,
  OVERLOADED: 503,
  PRODUCT_CHANGING: 503,
  STORE_MISMATCH: 503,
  TOO_MANY_LISTENERS: 503,
  WORKER_LEASE_LOST: 503,
};

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
 */
/**
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
