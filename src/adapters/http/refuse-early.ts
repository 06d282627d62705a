import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { type ProductId, parseProductId, parseUserId } from '../../core/instance/purchase.ts';
import type { LoopLag } from '../../lib/loop-lag.ts';
import type { Caller } from '../../ops/access/key-ring.ts';
import { reaches } from '../../ops/access/scope.ts';
import type { Emit } from '../../ops/telemetry/events.ts';
import type { Admission } from '../../sale/admission.ts';
import type { Refusal } from '../../sale/checkout.ts';
import { isReserved } from './plugins/connections.ts';
import { writeRefusal } from './plugins/refusal.ts';
import type { RequestLimits } from './plugins/request-limits.ts';
import { buyRoute } from './routes/buy.ts';

export interface EarlyRefusalDeps {
  admission: Pick<Admission, 'refuse'>;
  /** What the headers prove without a query: who calls; `stranger` without any credential in them; undefined: unknown. */
  recallCaller: (request: IncomingMessage) => Caller | 'stranger' | undefined;
  /** A stranger's address must have a token. */
  buyLimits: Pick<RequestLimits, 'takeAddress'>;
  isServedHost: (host: string) => boolean;
  /** false: starting or stopping. */
  isServing: () => boolean;
  lag: LoopLag;
  maxLoopDelayMs: number;
  takeRequestId: () => string;
  emit: Emit;
}

const buyPath = /^\/v1\/sales\/([1-9]\d{0,18})\/buy$/;
/** As nearly every client writes it; anything else goes to the route. */
const plainBody = /^\{"userId": ?"([1-9]\d{0,18})"(?:, ?"ticket": ?"([\w.-]{1,128})")?\}$/;
const maxBodyBytes = 256;

/**
 * Answers a buy that memory refuses in front of the framework, whose routing, hooks and validation cost as much again as
 * the answer. Whatever is unusual goes to the route unchanged, which answers the same bytes (test/unit/refuse-early.test.ts).
 */
export function addEarlyRefusals({ server }: FastifyInstance, deps: EarlyRefusalDeps): void {
  const [handle] = server.listeners('request') as RequestListener[];
  if (!handle) throw new Error('the server has no listener for requests');
  server.off('request', handle).on('request', refuseEarly(deps, handle));
}

function refuseEarly(deps: EarlyRefusalDeps, handle: RequestListener): RequestListener {
  return (request, response) => {
    const productId = readProductId(request);
    const caller =
      productId === undefined || !isPlain(request, deps) ? undefined : deps.recallCaller(request);
    const length = Number(request.headers['content-length']);
    if (productId === undefined || caller === undefined || !(length <= maxBodyBytes)) {
      handle(request, response);
      return;
    }
    const startedAt = performance.now();
    request.once('readable', () => {
      const body: Buffer | null = request.read(length);
      const refusal = body === null ? undefined : findRefusal(deps, { request, productId, caller, body });
      if (refusal === undefined) {
        if (body !== null) request.unshift(body);
        handle(request, response);
      } else {
        answer(deps, { request, response, refusal, productId, startedAt });
      }
    });
  };
}

function readProductId({ method, url = '' }: IncomingMessage): ProductId | undefined {
  const text = method === 'POST' ? buyPath.exec(url)?.[1] : undefined;
  // Above 2^63−1 it is the route that knows what to answer.
  return text === undefined || text.length > 18 ? undefined : parseProductId(text);
}

function isPlain(
  { headers, socket }: IncomingMessage,
  { lag, maxLoopDelayMs, ...deps }: EarlyRefusalDeps,
): boolean {
  return (
    headers['content-type'] === 'application/json' &&
    headers['idempotency-key'] === undefined &&
    headers.origin === undefined &&
    headers['sec-fetch-site'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    deps.isServedHost(headers.host ?? '') &&
    deps.isServing() &&
    !isReserved(socket) &&
    lag.lateMs <= maxLoopDelayMs
  );
}

interface EarlyRequest {
  request: IncomingMessage;
  productId: ProductId;
  caller: Caller | 'stranger';
  body: Buffer;
}

function findRefusal(deps: EarlyRefusalDeps, { request, productId, caller, body }: EarlyRequest) {
  const [, user, ticket] = plainBody.exec(body.toString('latin1')) ?? [];
  if (user === undefined || user.length > 18) return undefined;
  if (caller === 'stranger' ? ticket === undefined : !reaches(caller.scope, 'act')) return undefined;
  const refusal = deps.admission.refuse(productId, { userId: parseUserId(user), ticket });
  if (refusal === undefined || caller !== 'stranger') return refusal;
  try {
    deps.buyLimits.takeAddress(request.socket.remoteAddress ?? '');
  } catch {
    return undefined;
  }
  return refusal;
}

interface EarlyAnswer {
  request: IncomingMessage;
  response: ServerResponse;
  refusal: Refusal;
  productId: ProductId;
  startedAt: number;
}

function answer(
  deps: EarlyRefusalDeps,
  { request, response, refusal, productId, startedAt }: EarlyAnswer,
): void {
  const status = writeRefusal(response, refusal, productId);
  deps.emit({
    type: 'request answered',
    requestId: deps.takeRequestId(),
    method: 'POST',
    route: buyRoute,
    status,
    problem: refusal,
    durationMs: performance.now() - startedAt,
    traceparent: request.headers.traceparent as string | undefined,
  });
}
