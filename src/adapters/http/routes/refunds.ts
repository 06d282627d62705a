import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { MarkRefundedBody, OpenRefundList, RefundQuery } from '../../../api/order-shapes.ts';
import { listAnswers, ProblemShape, RefundShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import { parseSourceId, type SourceId } from '../../../core/instance/purchase.ts';
import type { OpenRefund, Order, Refund, RefundOperator } from '../../../core/orders/order.ts';
import { parsePaidBody } from '../../../core/triggers/paid-body.ts';
import { WeirError } from '../../../errors.ts';
import { answerList, toPage } from '../answer-list.ts';
import { showOpenRefund, showRefund } from '../answers.ts';
import { refundExport } from '../export-columns.ts';
import { actorOf, callerOf } from '../plugins/auth.ts';
import type { Exports } from '../plugins/exports.ts';
import { boundSignedBody } from '../plugins/webhook-signature.ts';
import { readCursor } from '../queries.ts';
import type { CheckSignature, OrderPath } from './payments.ts';

export interface RefundDeps {
  webhookSecrets: readonly string[];
  orders: { findOrder(id: string): Promise<Order | undefined> };
  /** `operator`: in place of the payment system. @returns undefined when no such refund was requested */
  recordRefund: (
    orderId: string,
    paymentId: string | undefined,
    operator: RefundOperator | undefined,
  ) => Promise<{ first: boolean; refund: Refund } | undefined>;
  listOpenRefunds: (
    orderId: string | undefined,
    limit: number,
    before: string | undefined,
  ) => Promise<OpenRefund[]>;
  /** Sends the open refund requests of an order once more. undefined: it has none. */
  requestRefundAgain: (orderId: string, actor: Actor) => Promise<Refund | undefined>;
}

type RefundedRequest = FastifyRequest<OrderPath & { Body: unknown }>;

export function addRefunds(
  http: FastifyInstance,
  deps: RefundDeps & { exports: Exports },
  checkSignature: CheckSignature,
): void {
  const { orders, webhookSecrets, recordRefund, requestRefundAgain, listOpenRefunds, exports } = deps;

  http.get<{ Querystring: Static<typeof RefundQuery> }>(
    '/v1/refunds',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List open refunds, newest first',
        description:
          'Requested and not reported; also those of orders that live in another system, which no list of orders contains. ' +
          'An order has one for itself and one for each further payment.',
        querystring: RefundQuery,
        response: { 200: listAnswers(OpenRefundList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { orderId } = request.query;
      if (orderId !== undefined) parseSourceId(orderId);
      const read = async (limit: number, cursor: string | undefined) =>
        toPage(await listOpenRefunds(orderId, limit + 1, readCursor(cursor)), limit, showOpenRefund);
      return answerList(request, reply, request.query, { ...refundExport, read }, exports);
    },
  );

  http.post<OrderPath & { Body: unknown }>(
    '/v1/orders/:orderId/refunded',
    {
      config: { scope: 'signed', activity: ['ORDER_REFUNDED'] },
      ...boundSignedBody(webhookSecrets),
      schema: {
        summary: 'Refund callback: the money was returned',
        description: 'For the consumer of ORDER_REFUND_REQUESTED; signed like the payment callback.',
        response: { 200: RefundShape, 201: RefundShape, '4xx': ProblemShape },
      },
      preValidation: async (request) => checkSignature(request, request.params.orderId),
    },
    async (request, reply) => {
      const { orderId, paymentId } = readRefundedOrder(request, webhookSecrets.length > 0);
      const operator = callerOf(request) && { actor: actorOf(request), reason: undefined };
      const recorded = await recordRefund(orderId, paymentId, operator);
      if (!recorded) throw await explainNoRefund(orders, orderId, paymentId);
      return reply.status(recorded.first ? 201 : 200).send(showRefund(recorded.refund));
    },
  );

  http.post<OrderPath & { Body: Static<typeof MarkRefundedBody> }>(
    '/v1/orders/:orderId/mark-refunded',
    {
      config: { scope: 'act', activity: ['ORDER_REFUNDED'] },
      schema: {
        summary: 'Record that the money was returned, with a reason',
        description:
          'For an operator whose payment side made the refund and cannot report it; the callback `…/refunded` stays signed. A ' +
          'repeat answers the same.',
        body: MarkRefundedBody,
        response: { 200: RefundShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const orderId = parseSourceId(request.params.orderId);
      const { paymentId, reason } = request.body;
      const recorded = await recordRefund(orderId, paymentId, { actor: actorOf(request), reason });
      if (!recorded) throw await explainNoRefund(orders, orderId, paymentId);
      return showRefund(recorded.refund);
    },
  );

  http.post<OrderPath>(
    '/v1/orders/:orderId/refund-again',
    {
      config: { scope: 'act', activity: ['ORDER_REFUND_REQUESTED'] },
      schema: {
        summary: 'Republish the refund request of an order, with the same id and bytes',
        response: { 200: RefundShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const orderId = parseSourceId(request.params.orderId);
      const refund = await requestRefundAgain(orderId, actorOf(request));
      if (!refund) throw await explainNoRefund(orders, orderId, undefined);
      return showRefund(refund);
    },
  );
}

async function explainNoRefund(
  orders: RefundDeps['orders'],
  orderId: string,
  paymentId: string | undefined,
): Promise<WeirError> {
  if (paymentId !== undefined) {
    const detail = `no refund of payment ${paymentId} of order ${orderId} was requested`;
    return new WeirError('ORDER_NOT_REFUNDABLE', detail);
  }
  const order = await orders.findOrder(orderId);
  return order
    ? new WeirError('ORDER_NOT_REFUNDABLE', `order ${orderId} is ${order.status}`)
    : new WeirError('ORDER_NOT_FOUND', `no refund of order ${orderId} was requested`);
}

/**
 * Where callbacks are signed the body must say `"refunded": true`: the bytes of a payment, which say nothing of the kind,
 * would otherwise pass here as well.
 */
function readRefundedOrder(
  request: RefundedRequest,
  mustSayRefunded: boolean,
): { orderId: SourceId; paymentId: string | undefined } {
  const orderId = parseSourceId(request.params.orderId);
  const { refunded, ...rest } = (request.body ?? {}) as { refunded?: unknown };
  if (refunded !== true && (mustSayRefunded || refunded !== undefined)) {
    throw new WeirError('REQUEST_INVALID', 'the body must say "refunded": true');
  }
  const { payment } = parsePaidBody(rest, orderId);
  return { orderId, paymentId: payment.paymentId };
}
