import type { Static } from 'typebox';
import type { CodeAndParams } from '../../api/describe.ts';
import type { OpenRefundShape } from '../../api/order-shapes.ts';
import type { SaleShape } from '../../api/sale-shapes.ts';
import type { Statement } from '../../api/sentences.ts';
import type {
  InstanceShape,
  OrderShape,
  PaymentShape,
  ProductShape,
  RefundShape,
  TimelineShape,
} from '../../api/shapes.ts';
import type { InstanceLog } from '../../core/instance/instance-log.ts';
import type { Product } from '../../core/instance/product.ts';
import type { TimelineEntry } from '../../core/instance/timeline.ts';
import type { OpenRefund, Order, Refund } from '../../core/orders/order.ts';
import type { RecordedPayment } from '../../core/orders/payment-book.ts';
import type { Sale } from '../../sale/sale.ts';

/** Checked by the compiler: every statement of the server has a sentence in the table. */
export function toStatement(statement: Statement): CodeAndParams {
  return statement;
}

export function showTimeline(entries: readonly TimelineEntry[]): Static<typeof TimelineShape>['timeline'] {
  return entries.map(({ at, step, detail, by }) => ({
    ...{ at: at.toISOString(), step },
    ...{ detail: detail && toStatement(detail), by: toStatement(by) },
  }));
}

export function showInstance(instance: InstanceLog): Static<typeof InstanceShape> {
  const { instanceId, productId, userId, source, sourceId, scope, status, reason, createdAt, updatedAt } =
    instance;
  return {
    instanceId: instanceId.toString(),
    productId: productId.toString(),
    userId: userId.toString(),
    source,
    sourceId,
    scope,
    status,
    ...(reason === undefined ? {} : { reason }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(instance.archived ? { archived: true } : {}),
  };
}

/**
 * A repeat gets the first answer, so this shows the instance as it was created; GET shows its present state.
 */
export function showReceipt(instance: InstanceLog): Static<typeof InstanceShape> {
  const { reason: _, archived: __, ...created } = instance;
  return showInstance({ ...created, status: 'PROCESSING', updatedAt: instance.createdAt });
}

export function showProduct({ version: _, id, priceCents, ...rest }: Product): Static<typeof ProductShape> {
  return { id: id.toString(), ...rest, priceCents: priceCents.toString() };
}

export function showPayment(payment: RecordedPayment): Static<typeof PaymentShape> {
  return {
    paymentId: payment.paymentId ?? null,
    webhookId: payment.webhookId ?? null,
    amountCents: payment.amountCents?.toString() ?? null,
    paidAt: payment.paidAt?.toISOString() ?? null,
    recordedAt: payment.recordedAt.toISOString(),
    outcome: payment.outcome,
    refundedAt: payment.refundedAt?.toISOString() ?? null,
  };
}

export function showOrder(order: Order): Static<typeof OrderShape> {
  return {
    id: order.id,
    productId: order.productId.toString(),
    userId: order.userId.toString(),
    status: order.status,
    amountCents: order.amountCents.toString(),
    createdAt: order.createdAt.toISOString(),
    updatedAt: order.updatedAt.toISOString(),
    paidAt: order.paidAt?.toISOString() ?? null,
    expiresAt: order.expiresAt?.toISOString() ?? null,
  };
}

export function showRefund(refund: Refund): Static<typeof RefundShape> {
  return {
    orderId: refund.orderId,
    paymentId: refund.paymentId ?? null,
    amountCents: refund.amountCents?.toString() ?? null,
    reason: refund.reason,
    requestedAt: refund.requestedAt.toISOString(),
    refundedAt: refund.refundedAt?.toISOString() ?? null,
  };
}

export function showOpenRefund(refund: OpenRefund): Static<typeof OpenRefundShape> {
  const { paymentId = null, amountCents = null, instanceId = null, requestedAt } = refund;
  return { ...refund, paymentId, amountCents, instanceId, requestedAt: requestedAt.toISOString() };
}

/** The order as it was created, for the repeat of an Idempotency-Key; GET shows its present state. */
export function showNewOrder(order: Order): Static<typeof OrderShape> {
  return showOrder({ ...order, status: 'PENDING', updatedAt: order.createdAt, paidAt: undefined });
}

export function showSale({ startsAt, endsAt, admitPerSecond, ...sale }: Sale): Static<typeof SaleShape> {
  return {
    productId: sale.productId.toString(),
    stock: sale.stock,
    sold: sale.sold,
    remaining: sale.remaining,
    restocked: sale.restocked,
    perUserLimit: sale.perUserLimit,
    startsAt: startsAt?.toISOString() ?? null,
    endsAt: endsAt?.toISOString() ?? null,
    entry: sale.entry,
    admitPerSecond: admitPerSecond ?? null,
    tickets: sale.tickets,
    state: sale.state,
  };
}
