import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { NewOrderBody, OrderShape, ProblemShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import type { Product } from '../../../core/instance/product.ts';
import {
  type ProductId,
  parseProductId,
  parseSourceId,
  parseUserId,
  type UserId,
} from '../../../core/instance/purchase.ts';
import type { NewOrder, Order } from '../../../core/orders/order.ts';
import { WeirError } from '../../../errors.ts';
import { showNewOrder, showOrder } from '../answers.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Exports } from '../plugins/exports.ts';
import { createSignatureCheck } from '../plugins/webhook-signature.ts';
import { addOrderReads, type OrderReader } from './order-reads.ts';
import { addPayments, type OrderPath, type PaymentDeps } from './payments.ts';
import { addRefunds, type RefundDeps } from './refunds.ts';

interface OrderStore extends OrderReader {
  createOrder(order: NewOrder): Promise<{ created: boolean; order: Order }>;
  findOrderByKey(idempotencyKey: string): Promise<Order | undefined>;
  cancelOrder(id: string, actor: Actor): Promise<{ cancelled: boolean; order: Order | undefined }>;
  /** Concurrent callers share one query. */
  findOrder(id: string): Promise<Order | undefined>;
}

export interface OrderDeps extends PaymentDeps, RefundDeps {
  orders: OrderStore;
  products: { findProducts(ids: readonly ProductId[]): Promise<Product[]> };
  takeOrderId: () => Promise<string>;
  /** 0: never. */
  expireAfterMs: number;
}

interface OrderServerDeps {
  exports: Exports;
  /** Counts a callback without a valid signature; may throw RATE_LIMITED. */
  onWrongSignature: (request: FastifyRequest) => void;
}

export function addOrders(http: FastifyInstance, deps: OrderDeps & OrderServerDeps): void {
  const { orders, webhookSecrets } = deps;
  const checkSignature = createSignatureCheck(webhookSecrets, deps.onWrongSignature);

  http.post<{ Body: Static<typeof NewOrderBody> }>(
    '/v1/orders',
    {
      config: { scope: 'act', limited: false, activity: 'none' },
      schema: {
        summary: 'Create an order',
        description:
          'With an Idempotency-Key, a repeat answers 200 with the first order; another body answers 409.',
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

  addOrderReads(http, orders, deps.exports);

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

  addRefunds(http, deps, checkSignature);
}

async function createOrder(
  { expireAfterMs, orders, products, takeOrderId }: OrderDeps,
  body: Static<typeof NewOrderBody>,
  idempotencyKey: string | undefined,
): Promise<{ created: boolean; order: Order }> {
  const productId = parseProductId(body.productId);
  const userId = parseUserId(body.userId);
  // Checked first: a repeat gets its first answer, even if the product has changed since.
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
    'this Idempotency-Key was used for an order of another product or user',
  );
}

function known(order: Order | undefined, id: string): Order {
  if (!order) throw new WeirError('ORDER_NOT_FOUND', `there is no order ${id}`);
  return order;
}
