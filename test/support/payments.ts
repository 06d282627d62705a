import { fromBinary } from '@bufbuild/protobuf';
import { postgresInstanceLogs } from '../../src/adapters/postgres/instance-logs.ts';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { postgresParked } from '../../src/adapters/postgres/parked.ts';
import { postgresPayments } from '../../src/adapters/postgres/payments.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { isTransientDatabaseError } from '../../src/adapters/postgres/transient.ts';
import type { ProductId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import type { Payment } from '../../src/core/orders/payment.ts';
import type { ParkedPayment } from '../../src/core/orders/payment-book.ts';
import { ParkedReplay } from '../../src/core/parked/replay.ts';
import { type PaidOrder, payOrder } from '../../src/core/triggers/order-paid.ts';
import type { Database } from '../../src/lib/sql.ts';
import { OrderRefundRequestedSchema } from '../wire/weir/v1/order_refund_pb.ts';
import { createCreation, createProduct, readWaiting } from './parts.ts';

/**
 * Payment callbacks and their handling on a real database, composed as in the program (app/paying.ts).
 */
export async function createShop(database: Database) {
  await createProduct(database);
  const orders = postgresOrders(database);
  const { createInstances } = createCreation(database);
  const parked: ParkedPayment[] = [];
  let requestId = 900n;
  const parts = {
    findOrder: (id: string) => orders.findOrder(id),
    findInstance: postgresInstanceLogs(database).findInstance,
    createInstance: async (purchase: Parameters<typeof createInstances>[0][number]) => {
      const [outcome] = await createInstances([purchase]);
      if (!outcome) throw new Error('no outcome');
      return outcome;
    },
    payments: postgresPayments(database, async () => requestId++),
    onParked: (item: ParkedPayment) => parked.push(item),
  };
  const desk = new ParkedReplay({
    rows: postgresParked(database),
    createInstances,
    payOrder: (paid) => payOrder(parts, paid),
    settle: (results) => settleResults(database, results),
    isTransient: isTransientDatabaseError,
    onResolved() {},
  });
  /** A callback; `body`: its fields other than the payment. */
  const pay = (orderId: string, payment: Payment = {}, body: { productId?: bigint; userId?: bigint } = {}) =>
    payOrder(parts, {
      orderId: orderId as SourceId,
      named:
        body.productId === undefined
          ? undefined
          : { productId: body.productId as ProductId, userId: (body.userId ?? 7n) as UserId },
      payment,
      original: toBody(payment, body),
    } satisfies PaidOrder);
  const order = (id: string) =>
    orders.createOrder({
      id: id as SourceId,
      productId: 1001n as ProductId,
      userId: 7n as UserId,
      amountCents: 19900n,
      idempotencyKey: undefined,
    });
  return { database, orders, order, pay, desk, parked, payments: parts.payments };
}

function toBody(
  payment: Payment,
  { productId, userId = 7n }: { productId?: bigint; userId?: bigint },
): Buffer {
  const { paymentId, amountCents } = payment;
  const body = {
    ...(productId === undefined ? {} : { productId: `${productId}`, userId: `${userId}` }),
    ...(paymentId === undefined ? {} : { paymentId }),
    ...(amountCents === undefined ? {} : { amountCents: `${amountCents}` }),
  };
  return Buffer.from(Object.keys(body).length === 0 ? '' : JSON.stringify(body));
}

/** The refund requests that wait in the outbox. */
export async function readRefundRequests(database: Database) {
  const waiting = (await readWaiting(database)).filter(({ kind }) => kind === 'REFUND');
  return waiting.map(({ id, body }) => {
    const { orderId, paymentId, amountCents, reason } = fromBinary(OrderRefundRequestedSchema, body);
    return { id, orderId, paymentId, amountCents, reason };
  });
}
