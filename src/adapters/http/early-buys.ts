import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import {
  type ProductId,
  parseProductId,
  parseTraceparent,
  parseUserId,
} from '../../core/instance/purchase.ts';
import type { LoopLag } from '../../lib/loop-lag.ts';
import type { Caller } from '../../ops/access/key-ring.ts';
import { reaches } from '../../ops/access/scope.ts';
import type { Emit } from '../../ops/telemetry/events.ts';
import type { Admission } from '../../sale/admission.ts';
import type { Refusal } from '../../sale/checkout.ts';
import type { BuyerLimits } from './plugins/buyer-limits.ts';
import { isReserved } from './plugins/connections.ts';
import { withDeadline } from './plugins/deadline.ts';
import { writeRefusal } from './plugins/refusal.ts';
import { type Bought, buyRoute, failures, writeBought } from './routes/buy.ts';

export interface EarlyBuyDeps {
  admission: Pick<Admission, 'refuse' | 'buy'>;
  /**
   * The caller that the headers prove without a query; `stranger` when they contain no credential; undefined:
   * unknown.
   */
  recallCaller: (request: IncomingMessage) => Caller | 'stranger' | undefined;
  buyLimits: Pick<BuyerLimits, 'takeAddress' | 'takeUser'>;
  isServedHost: (host: string) => boolean;
  /** false while starting or stopping. */
  isServing: () => boolean;
  lag: LoopLag;
  maxLoopDelayMs: number;
  takeRequestId: () => string;
  emit: Emit;
}

interface EarlyBuy {
  request: IncomingMessage;
  response: ServerResponse;
  productId: ProductId;
  caller: Caller | 'stranger';
  startedAt: number;
}

const buyPath = /^\/v1\/sales\/([1-9]\d{0,17})\/buy$/;
/** The form that nearly every client sends; any other body goes to the route. */
const plainBody = /^\{"userId": ?"([1-9]\d{0,17})"(?:, ?"ticket": ?"([\w.-]{1,128})")?\}$/;
const maxBodyBytes = 256;

/**
 * Serves plain buys in front of the framework, whose routing, hooks and validation cost as much again as a
 * refusal (docs/decisions/0025). Anything unusual, and every failure, goes to the route, which answers the
 * same bytes.
 */
export function addEarlyBuys({ server }: FastifyInstance, deps: EarlyBuyDeps): void {
  const [handle] = server.listeners('request') as RequestListener[];
  if (!handle) throw new Error('the server has no listener for requests');
  server.off('request', handle).on('request', (request: IncomingMessage, response: ServerResponse) => {
    const productId = readProductId(request);
    const caller = productId !== undefined && isPlain(request, deps) ? deps.recallCaller(request) : undefined;
    const length = Number(request.headers['content-length']);
    // Reading here would end the request before the route listens for its end.
    if (productId === undefined || caller === undefined || !(length > 0 && length <= maxBodyBytes)) {
      handle(request, response);
      return;
    }
    const buy: EarlyBuy = { request, response, productId, caller, startedAt: performance.now() };
    request.once('readable', () => {
      const body: Buffer | null = request.read(length);
      const fallBack = () => {
        if (body !== null) request.unshift(body);
        handle(request, response);
      };
      if (body === null || !serve(deps, buy, body.toString('latin1'), fallBack)) fallBack();
    });
  });
}

function readProductId({ method, url = '' }: IncomingMessage): ProductId | undefined {
  const text = method === 'POST' ? buyPath.exec(url)?.[1] : undefined;
  return text === undefined ? undefined : parseProductId(text);
}

function isPlain(
  { headers, socket }: IncomingMessage,
  { lag, maxLoopDelayMs, isServedHost, isServing }: EarlyBuyDeps,
): boolean {
  return (
    headers['content-type'] === 'application/json' &&
    headers['idempotency-key'] === undefined &&
    headers.origin === undefined &&
    headers['sec-fetch-site'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    isServedHost(headers.host ?? '') &&
    isServing() &&
    !isReserved(socket) &&
    lag.lateMs <= maxLoopDelayMs
  );
}

/**
 * @returns false when the route has to answer. `fallBack`: called later when the buy failed; the failure is
 * attached for the route
 */
function serve(deps: EarlyBuyDeps, buy: EarlyBuy, body: string, fallBack: () => void): boolean {
  const { request, productId, caller } = buy;
  const [, user, ticket] = plainBody.exec(body) ?? [];
  if (user === undefined) return false;
  if (caller === 'stranger' ? ticket === undefined : !reaches(caller.scope, 'act')) return false;
  const userId = parseUserId(user);
  const refusal = deps.admission.refuse(productId, { userId, ticket });
  if (caller === 'stranger') return refusal !== undefined && refuseStranger(deps, buy, refusal);
  if (refusal !== undefined) return refuse(deps, buy, refusal);
  const trace = parseTraceparent(request.headers.traceparent as string | undefined);
  const sell = async () => {
    deps.buyLimits.takeUser(user);
    return deps.admission.buy(productId, { userId, ticket, idempotencyKey: undefined, ...trace });
  };
  withDeadline(sell()).then(
    (outcome) => {
      if (!('streamId' in outcome)) refuse(deps, buy, outcome.kind);
      else confirm(deps, buy, { ...outcome, productId, user });
    },
    (error) => {
      failures.set(request, error);
      fallBack();
    },
  );
  return true;
}

function refuseStranger(deps: EarlyBuyDeps, buy: EarlyBuy, refusal: Refusal): boolean {
  try {
    deps.buyLimits.takeAddress(buy.request.socket.remoteAddress ?? '');
  } catch {
    return false;
  }
  return refuse(deps, buy, refusal);
}

function refuse(deps: EarlyBuyDeps, buy: EarlyBuy, refusal: Refusal): true {
  closeAtStop(deps, buy);
  report(deps, buy, writeRefusal(buy.response, refusal, buy.productId), refusal);
  return true;
}

function confirm(deps: EarlyBuyDeps, buy: EarlyBuy, bought: Bought): void {
  closeAtStop(deps, buy);
  report(deps, buy, writeBought(buy.response, bought), undefined);
}

/** Like the framework's answers: the next request must open a connection to another process. */
function closeAtStop({ isServing }: EarlyBuyDeps, { response }: EarlyBuy): void {
  if (!isServing()) response.setHeader('connection', 'close');
}

function report(
  { emit, takeRequestId }: EarlyBuyDeps,
  { request, startedAt }: EarlyBuy,
  status: number,
  problem: Refusal | undefined,
): void {
  emit({
    type: 'request answered',
    requestId: takeRequestId(),
    method: 'POST',
    route: buyRoute,
    ...{ status, problem, durationMs: performance.now() - startedAt },
    traceparent: request.headers.traceparent as string | undefined,
  });
}
