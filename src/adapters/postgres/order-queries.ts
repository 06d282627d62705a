import type { Order } from '../../core/orders/order.ts';
import type { OrderFilter } from '../../core/orders/order-filter.ts';
import type { Database } from '../../lib/sql.ts';
import { listOrders } from './list-orders.ts';
import { listOpenRefunds } from './list-refunds.ts';
import { readOrderStory } from './order-story.ts';

/** Reads orders and their refunds for operators; a payment never waits for these queries. */
export function postgresOrderQueries(database: Database) {
  return {
    listOrders: (filter: OrderFilter, limit: number, cursor: string | undefined) =>
      listOrders(database, filter, limit, cursor),
    readOrderStory: (order: Order) => readOrderStory(database, order),
    listOpenRefunds: (orderId: string | undefined, limit: number, before: string | undefined) =>
      listOpenRefunds(database, orderId, limit, before),
  };
}
