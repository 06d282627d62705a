import type { HttpRoutes } from '../../adapters/http/server.ts';
import { postgresOrderQueries } from '../../adapters/postgres/order-queries.ts';
import { postgresOrders } from '../../adapters/postgres/orders.ts';
import { postgresProducts } from '../../adapters/postgres/products.ts';
import { postgresRefunds } from '../../adapters/postgres/refund-requests.ts';
import { notifyAfter } from '../../lib/signal.ts';
import { type Components, requestDeadlineMs } from '../components.ts';
import type { Paying } from '../paying.ts';

export type OrderParts = Pick<Components, 'config' | 'database' | 'ids' | 'gate' | 'emit' | 'committed'>;

export function createOrderRoutes(
  { config, database, ids, gate, emit, committed }: OrderParts,
  { findOrder, findPayments, payOrder }: Paying,
): Pick<HttpRoutes, 'orders' | 'products'> {
  const orders = postgresOrders(database.withDeadline(requestDeadlineMs));
  const { listOpenRefunds, ...queries } = postgresOrderQueries(database.reads);
  const { recordRefund, requestRefundAgain } = postgresRefunds(database);
  const { findProducts, listProducts } = postgresProducts(database.reads);
  return {
    orders: {
      orders: { ...orders, ...queries, findOrder, findPayments },
      products: { findProducts },
      ...{ payOrder, listOpenRefunds, recordRefund, emit },
      requestRefundAgain: notifyAfter(committed)(requestRefundAgain),
      hasRoom: gate.hasRoom,
      takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
      expireAfterMs: config.orders.expireAfterMs,
      webhookSecrets: config.server.http.webhookSecrets,
    },
    products: { products: { ...postgresProducts(database), findProducts, listProducts } },
  };
}
