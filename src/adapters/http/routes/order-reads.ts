import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { OrderList, OrderQuery, OrderStoryShape } from '../../../api/order-shapes.ts';
import { closed, listAnswers, ProblemShape } from '../../../api/shapes.ts';
import { parseProductId, parseSourceId, parseUserId } from '../../../core/instance/purchase.ts';
import type { Order } from '../../../core/orders/order.ts';
import type { ListedOrder, OrderFilter, OrderPage } from '../../../core/orders/order-filter.ts';
import type { OrderStep } from '../../../core/orders/order-timeline.ts';
import type { RecordedPayment } from '../../../core/orders/payment-book.ts';
import { WeirError } from '../../../errors.ts';
import { answerList, filterOf } from '../answer-list.ts';
import { showOrder, showPayment } from '../answers.ts';
import { orderExport } from '../export-columns.ts';
import type { Exports } from '../plugins/exports.ts';
import { readTime } from '../queries.ts';
import type { OrderPath } from './payments.ts';

export interface OrderReader {
  findOrder(id: string): Promise<Order | undefined>;
  findPayments(orderId: string): Promise<RecordedPayment[]>;
  listOrders(filter: OrderFilter, limit: number, cursor: string | undefined): Promise<OrderPage>;
  readOrderStory(order: Order): Promise<{ instanceId: string | undefined; timeline: OrderStep[] }>;
}

const Query = Type.Object(OrderQuery, closed);

export function addOrderReads(http: FastifyInstance, orders: OrderReader, exports: Exports): void {
  http.get<{ Querystring: Static<typeof Query> }>(
    '/v1/orders',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List orders, newest first',
        description: 'All filters must match. Created at `from` or later, and before `to`.',
        querystring: Query,
        response: { 200: listAnswers(OrderList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { from, to, ...equal } = filterOf(request.query);
      const filter = { ...equal, from: readTime('from', from), to: readTime('to', to) };
      if (filter.productId !== undefined) parseProductId(filter.productId);
      if (filter.userId !== undefined) parseUserId(filter.userId);
      const read = async (limit: number, cursor: string | undefined) => {
        const { items, nextCursor } = await orders.listOrders(filter as OrderFilter, limit, cursor);
        return { items: items.map(showListed), nextCursor };
      };
      return answerList(request, reply, request.query, { ...orderExport, read }, exports);
    },
  );

  http.get<OrderPath>(
    '/v1/orders/:orderId',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One order with its payments and its timeline',
        response: { 200: OrderStoryShape, '4xx': ProblemShape },
      },
    },
    async ({ params }) => {
      const order = await orders.findOrder(parseSourceId(params.orderId));
      if (!order) throw new WeirError('ORDER_NOT_FOUND', `there is no order ${params.orderId}`);
      const { instanceId = null, timeline } = await orders.readOrderStory(order);
      return {
        ...showOrder(order),
        instanceId,
        payments: (await orders.findPayments(order.id)).map(showPayment),
        timeline: timeline.map(({ at, ...step }) => ({ at: at.toISOString(), ...step })),
      };
    },
  );
}

function showListed(order: ListedOrder) {
  return { ...showOrder(order), instanceId: order.instanceId ?? null };
}
