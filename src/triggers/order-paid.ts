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
}

/**
 * The payment callback. The commit itself judges the order, so what was read here may be old and nothing is lost.
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
  if (outcome.kind === 'refused' && outcome.error.code === 'ORDER_NOT_PAYABLE') {
    throw explainRefusal(purchase, await parts.findOrder(paid.orderId), outcome.error);
  }
  return toReceipt(outcome, (instance) => describeConflict(paid.orderId, instance));
}

function explainRefusal(purchase: Purchase, found: Order | undefined, cause: WeirError): WeirError {
  if (!found) return cause;
  if (found.productId !== purchase.productId || found.userId !== purchase.userId) {
    return new WeirError(
      'ORDER_CONFLICT',
      `order ${found.id} is of product ${found.productId} and user ${found.userId}`,
    );
  }
  return new WeirError('ORDER_NOT_PAYABLE', `order ${found.id} is ${found.status}`, { cause });
}

function describeConflict(orderId: SourceId, { productId, userId }: InstanceLog): WeirError {
  return new WeirError(
    'ORDER_CONFLICT',
    `order ${orderId} was paid for product ${productId} and user ${userId}`,
  );
}
