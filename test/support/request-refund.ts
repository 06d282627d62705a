import { requestRefund } from '../../src/adapters/postgres/refunds.ts';
import type { Order } from '../../src/core/orders/order.ts';
import type { Database } from '../../src/lib/sql.ts';

/** Requests a refund like a late payment without a name. `requestId`: an id that no instance has. */
export async function requestRefundOf(database: Database, order: Order, requestId: bigint): Promise<void> {
  const { id: orderId, ...rest } = order;
  await database.transaction((sql) =>
    requestRefund(sql, { ...rest, orderId, paymentId: undefined, requestId }),
  );
}
