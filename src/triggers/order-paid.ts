import { WeirError } from '../errors.ts';
import type { InstanceLog } from '../instance/instance-log.ts';
import type { ProductId, Purchase, Source, SourceId, UserId } from '../instance/purchase.ts';
import type { Order } from '../orders/order.ts';
import type { CreateInstance, Receipt } from './any-source.ts';
import { toReceipt } from './any-source.ts';

const order = 'ORDER' as Source;

export interface PaidOrder {
  orderId: SourceId;
  /** Needed for an order that lives elsewhere; for one of ours it must say the same. */
  named: { productId: ProductId; userId: UserId } | undefined;
  traceparent?: string;
}

export interface OrderPaidParts {
  findOrder: (id: string) => Promise<Order | undefined>;
  createInstance: CreateInstance;
  /** For a payment that came after its order was cancelled or had expired; once, however often it is called. */
  requestRefund: (order: Order) => Promise<void>;
}

/**
 * The payment callback. A payment for an order that was cancelled or has expired is refused, and its refund is asked for
 * before it is. The commit itself judges the order, so what was read here may be old and nothing is lost.
 *
 * @throws WeirError ORDER_UNKNOWN, ORDER_CONFLICT, ORDER_NOT_PAYABLE, or what refused the purchase
 */
export async function payOrder(parts: OrderPaidParts, paid: PaidOrder): Promise<Receipt> {
  const content = paid.named ?? (await parts.findOrder(paid.orderId));
  if (!content) throw new WeirError('ORDER_UNKNOWN', `there is no order ${paid.orderId}`);
  const purchase: Purchase = {
    source: order,
    scope: '',
    sourceId: paid.orderId,
    productId: content.productId,
    userId: content.userId,
    ...(paid.traceparent ? { traceparent: paid.traceparent } : {}),
  };
  const outcome = await parts.createInstance(purchase);
  // Whatever refused it: the product of an order that is over may be gone as well.
  if (outcome.kind === 'refused') {
    const found = await parts.findOrder(paid.orderId);
    const isOwed = found !== undefined && isSame(found, purchase) && isOver(found);
    if (isOwed) await parts.requestRefund(found);
    if (!isOwed && outcome.error.code !== 'ORDER_NOT_PAYABLE') throw outcome.error;
    throw explainRefusal(purchase, found, outcome.error);
  }
  return toReceipt(outcome, (instance) => describeConflict(paid.orderId, instance));
}

function explainRefusal(purchase: Purchase, found: Order | undefined, cause: WeirError): WeirError {
  if (!found) return cause;
  if (!isSame(found, purchase)) {
    return new WeirError(
      'ORDER_CONFLICT',
      `order ${found.id} is of product ${found.productId} and user ${found.userId}`,
    );
  }
  const refund = found.status === 'PENDING' ? '' : ': the payment is to be returned';
  return new WeirError('ORDER_NOT_PAYABLE', `order ${found.id} is ${found.status}${refund}`, { cause });
}

function isSame(found: Order, { productId, userId }: Purchase): boolean {
  return found.productId === productId && found.userId === userId;
}

function isOver({ status }: Order): boolean {
  return status === 'CANCELLED' || status === 'EXPIRED';
}

function describeConflict(orderId: SourceId, { productId, userId }: InstanceLog): WeirError {
  return new WeirError(
    'ORDER_CONFLICT',
    `order ${orderId} was paid for product ${productId} and user ${userId}`,
  );
}
