import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { NewOrderBody, OrderShape, ProblemShape, RefundShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import type { Product } from '../../../core/instance/product.ts';
import {
  type ProductId,
  parseProductId,
  parseSourceId,
  parseUserId,
  type SourceId,
  type UserId,
} from '../../../core/instance/purchase.ts';
import type { NewOrder, Order, Refund } from '../../../core/orders/order.ts';
import { parsePaidBody } from '../../../core/triggers/paid-body.ts';
import { WeirError } from '../../../errors.ts';
import { showNewOrder, showOrder, showRefund } from '../answers.ts';
import { actorOf, callerOf } from '../plugins/auth.ts';
import { boundSignedBody, createSignatureCheck } from '../plugins/webhook-signature.ts';
import { addOrderReads, type OrderReader } from './order-reads.ts';
import { addPayments, type OrderPath, type PaymentDeps } from './payments.ts';

export interface OrderStore extends OrderReader {
  createOrder(order: NewOrder): Promise<{ created: boolean; order: Order }>;
  findOrderByKey(idempotencyKey: string): Promise<Order | undefined>;
  cancelOrder(id: string, actor: Actor): Promise<{ cancelled: boolean; order: Order | undefined }>;
  /** Many callers at once share one query. */
  findOrder(id: string): Promise<Order | undefined>;
}

export interface OrderDeps extends PaymentDeps {
  orders: OrderStore;
  products: { findProducts(ids: readonly ProductId[]): Promise<Product[]> };
  /** `actor`: an operator in place of the payment system. @returns undefined when no refund was requested */
  recordRefund: (
    orderId: string,
    paymentId: string | undefined,
    actor: Actor | undefined,
  ) => Promise<{ first: boolean; refund: Refund } | undefined>;
  /** Sends the open refund requests of an order once more. undefined: it has none. */
  requestRefundAgain: (orderId: string, actor: Actor) => Promise<Refund | undefined>;
  takeOrderId: () => Promise<string>;
  /** 0: never. */
  expireAfterMs: number;
}

/** Counts a callback without a right signature; it may throw RATE_LIMITED. */
export interface CallbackDeps {
  onWrongSignature: (request: FastifyRequest) => void;
}

export function addOrders(http: FastifyInstance, deps: OrderDeps & CallbackDeps): void {
  const { orders, webhookSecrets } = deps;
  const checkSignature = createSignatureCheck(webhookSecrets, deps.onWrongSignature);

  http.post<{ Body: Static<typeof NewOrderBody> }>(
    '/v1/orders',
    {
      config: { scope: 'act', limited: false, activity: 'none' },
      schema: {
        summary: 'Create an order',
        description:
          'With an Idempotency-Key a repeat answers 200 with the first order, or 409 with another body.',
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: NewOrderBody,
        response: { 200: OrderShape, 201: OrderShape, '4xx': ProblemShape },
      },
    },
    async ({ body, headers }, reply) => {
      const { created, order } = await createOrder(
        deps,
        body,
        headers['idempotency-key'] as string | undefined,
      );
      return reply
        .status(created ? 201 : 200)
        .header('location', `/v1/orders/${encodeURIComponent(order.id)}`)
        .send(showNewOrder(order));
    },
  );

  addOrderReads(http, orders);

  http.post<OrderPath>(
    '/v1/orders/:orderId/cancel',
    {
      config: { scope: 'act', activity: ['ORDER_CANCELLED'] },
      schema: { summary: 'Cancel a pending order', response: { 200: OrderShape, '4xx': ProblemShape } },
    },
    async (request) => {
      const { params } = request;
      const { order } = await orders.cancelOrder(parseSourceId(params.orderId), actorOf(request));
      if (known(order, params.orderId).status !== 'CANCELLED') {
        throw new WeirError('ORDER_NOT_CANCELLABLE', `order ${params.orderId} is ${order?.status}`);
      }
      return showOrder(known(order, params.orderId));
    },
  );

  addPayments(http, deps, checkSignature);

  http.post<OrderPath & { Body: unknown }>(
    '/v1/orders/:orderId/refunded',
    {
      config: { scope: 'signed', activity: ['ORDER_REFUNDED'] },
      ...boundSignedBody(webhookSecrets),
      schema: {
        summary: 'The money that Weir asked back for has gone back',
        description: 'For the consumer of ORDER_REFUND_REQUESTED; signed as the payment callback is.',
        response: { 200: RefundShape, 201: RefundShape, '4xx': ProblemShape },
      },
      preValidation: async (request) => checkSignature(request, request.params.orderId),
    },
    async (request, reply) => {
      const { orderId, paymentId } = readRefundedOrder(request, webhookSecrets.length > 0);
      const actor = callerOf(request) && actorOf(request);
      const recorded = await deps.recordRefund(orderId, paymentId, actor);
      if (!recorded) throw await explainNoRefund(orders, orderId, paymentId);
      return reply.status(recorded.first ? 201 : 200).send(showRefund(recorded.refund));
    },
  );

  addRefundAgain(http, deps);
}

function addRefundAgain(http: FastifyInstance, { orders, requestRefundAgain }: OrderDeps): void {
  http.post<OrderPath>(
    '/v1/orders/:orderId/refund-again',
    {
      config: { scope: 'act', activity: ['ORDER_REFUND_REQUESTED'] },
      schema: {
        summary: 'Send the refund request of an order once more, with the same id and bytes',
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
  orders: OrderStore,
  orderId: string,
  paymentId: string | undefined,
): Promise<WeirError> {
  if (paymentId !== undefined) {
    const detail = `no refund of payment ${paymentId} of order ${orderId} was asked for`;
    return new WeirError('ORDER_NOT_REFUNDABLE', detail);
  }
  const order = await orders.findOrder(orderId);
  return order
    ? new WeirError('ORDER_NOT_REFUNDABLE', `order ${orderId} is ${order.status}`)
    : new WeirError('ORDER_NOT_FOUND', `no refund of an order ${orderId} was asked for`);
}

async function createOrder(
  { expireAfterMs, orders, products, takeOrderId }: OrderDeps,
  body: Static<typeof NewOrderBody>,
  idempotencyKey: string | undefined,
): Promise<{ created: boolean; order: Order }> {
  const productId = parseProductId(body.productId);
  const userId = parseUserId(body.userId);
  // First: a repeat gets its first answer, whatever has become of the product since.
  const earlier = idempotencyKey && (await orders.findOrderByKey(idempotencyKey));
  if (earlier) return { created: false, order: requireSame(earlier, productId, userId) };
  const [product] = await products.findProducts([productId]);
  if (!product) throw new WeirError('PRODUCT_NOT_FOUND', `there is no product ${productId}`);
  if (!product.enabled) throw new WeirError('PRODUCT_DISABLED', `product ${productId} is disabled`);
  const id = parseSourceId(await takeOrderId());
  const expiresInMs = expireAfterMs || undefined;
  return orders.createOrder({
    id,
    productId,
    userId,
    amountCents: product.priceCents,
    idempotencyKey,
    expiresInMs,
  });
}

function requireSame(order: Order, productId: ProductId, userId: UserId): Order {
  if (order.productId === productId && order.userId === userId) return order;
  throw new WeirError(
    'IDEMPOTENCY_CONFLICT',
    'this Idempotency-Key made an order of another product or user',
  );
}

/**
 * Where callbacks are signed the body must say `"refunded": true`: the bytes of a payment, which say nothing of the kind,
 * would otherwise pass here as well.
 */
function readRefundedOrder(
  request: FastifyRequest<OrderPath & { Body: unknown }>,
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

function known(order: Order | undefined, id: string): Order {
  if (!order) throw new WeirError('ORDER_NOT_FOUND', `there is no order ${id}`);
  return order;
}
