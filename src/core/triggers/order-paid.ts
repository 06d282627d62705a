import { WeirError } from '../../errors.ts';
import type { InstanceLog } from '../instance/instance-log.ts';
import type { ProductId, Purchase, Source, SourceId, UserId } from '../instance/purchase.ts';
import type { Order, Refund } from '../orders/order.ts';
import { hasFacts, isNamed, isSamePayment, type Payment } from '../orders/payment.ts';
import type { ParkedPayment, PaymentBook, Placed } from '../orders/payment-book.ts';
import type { CreateInstance, Receipt } from './any-source.ts';

const order = 'ORDER' as Source;

export interface PaidOrder {
  orderId: SourceId;
  /** Needed for an order that lives elsewhere; for one of ours it must say the same. */
  named: { productId: ProductId; userId: UserId } | undefined;
  payment: Payment;
  /** The body of a callback, kept where the payment is parked. undefined: no callback, what is unfit throws instead. */
  original?: Buffer;
  /** An operator takes another amount than the order's. */
  acceptAmount?: boolean;
  traceparent?: string;
}

/** What was done with a payment. */
export type PaymentAnswer =
  | ({ kind: 'instance' } & Receipt)
  | { kind: 'refund'; refund: Refund }
  | { kind: 'parked'; item: ParkedPayment };

export interface OrderPaidDeps {
  findOrder: (id: string) => Promise<Order | undefined>;
  /** The instance of an order, archived ones included. */
  findInstance: (orderId: SourceId) => Promise<InstanceLog | undefined>;
  createInstance: CreateInstance;
  payments: PaymentBook;
  onParked: (item: ParkedPayment, error: WeirError) => void;
}

/**
 * The payment callback. A payment that cannot become an instance is on record before it is answered: returned when its
 * order is over or was paid before, else parked. The commit itself judges the order, so what was read here may be old and
 * nothing is lost.
 *
 * @throws WeirError ORDER_CONFLICT; without a callback also what refused the purchase
 */
export async function payOrder(deps: OrderPaidDeps, paid: PaidOrder): Promise<PaymentAnswer> {
  const { orderId, payment, named } = paid;
  const needsOrder = !named || payment.amountCents !== undefined;
  const known = needsOrder ? await deps.findOrder(orderId) : undefined;
  const content = named ?? known ?? (await deps.findInstance(orderId));
  if (!content) return park(deps, paid, new WeirError('ORDER_NOT_FOUND', `there is no order ${orderId}`));
  if (known?.status === 'PENDING' && isSame(known, content) && isOtherAmount(known, paid)) {
    return park(deps, paid, describeAmount(known, payment));
  }
  const purchase: Purchase = {
    source: order,
    scope: '',
    sourceId: orderId,
    productId: content.productId,
    userId: content.userId,
    ...(paid.traceparent ? { traceparent: paid.traceparent } : {}),
    ...(hasFacts(payment) ? { payment } : {}),
  };
  const outcome = await deps.createInstance(purchase);
  if (outcome.kind === 'created') return { kind: 'instance', first: true, instance: outcome.instance };
  if (outcome.kind === 'duplicate') return answerRepeat(deps, paid, outcome.instance);
  if (outcome.kind === 'refused') return placeRefused(deps, paid, purchase, outcome.error);
  return refuseConflict(deps, paid, describeConflict(orderId, outcome.instance));
}

/** The order has its instance: a repeat gets it, another payment is returned. */
async function answerRepeat(
  deps: OrderPaidDeps,
  paid: PaidOrder,
  instance: InstanceLog,
): Promise<PaymentAnswer> {
  const { orderId, payment } = paid;
  const receipt: PaymentAnswer = { kind: 'instance', first: false, instance };
  if (!hasFacts(payment)) return receipt;
  const [known, recorded] = await Promise.all([deps.findOrder(orderId), deps.payments.findPayments(orderId)]);
  const first = recorded.find((each) => each.outcome === 'INSTANCE' && isSamePayment(each, payment));
  if (first || !isNamed(payment)) {
    requireSameAmount(first?.amountCents ?? known?.amountCents, paid);
    return receipt;
  }
  const amountCents = payment.amountCents ?? known?.amountCents;
  const { productId, userId } = instance;
  const placed = await deps.payments.settleRepeat({ orderId, payment, productId, userId, amountCents });
  return placed.kind === 'instance' ? receipt : placed;
}

function requireSameAmount(amountCents: bigint | undefined, { orderId, payment }: PaidOrder): void {
  if (amountCents === undefined || payment.amountCents === undefined) return;
  if (amountCents === payment.amountCents) return;
  throw new WeirError('ORDER_CONFLICT', `order ${orderId} was paid with ${amountCents} cents`);
}

async function placeRefused(
  deps: OrderPaidDeps,
  paid: PaidOrder,
  purchase: Purchase,
  error: WeirError,
): Promise<PaymentAnswer> {
  if (error.isTransient) throw error;
  const { orderId, payment } = paid;
  // Whatever refused it: the product of an order that is over may be gone as well.
  const found = await deps.findOrder(orderId);
  if (found && !isSame(found, purchase)) {
    const { productId, userId } = found;
    const detail = `order ${orderId} is of product ${productId} and user ${userId}`;
    return refuseConflict(deps, paid, new WeirError('ORDER_CONFLICT', detail, { cause: error }));
  }
  if (found && isOver(found)) {
    const { productId, userId } = found;
    const amountCents = payment.amountCents ?? found.amountCents;
    const late = { orderId, payment, productId, userId, amountCents };
    return answerPlaced(deps, orderId, await deps.payments.returnLate(late));
  }
  return park(deps, paid, error);
}

/** A payment with an id is money that was paid: it waits for an operator. One without may be a mistake of the caller. */
async function refuseConflict(
  deps: OrderPaidDeps,
  paid: PaidOrder,
  error: WeirError,
): Promise<PaymentAnswer> {
  if (!isNamed(paid.payment)) throw error;
  const recorded = await deps.payments.findPayments(paid.orderId);
  const first = recorded.find((each) => isSamePayment(each, paid.payment));
  if (first && first.outcome !== 'PARKED' && first.outcome !== 'DISCARDED') throw error;
  return park(deps, paid, error);
}

async function park(deps: OrderPaidDeps, paid: PaidOrder, error: WeirError): Promise<PaymentAnswer> {
  const { orderId, payment, original } = paid;
  if (!original) throw error;
  const placed = await deps.payments.park({
    orderId,
    payment,
    reason: error.code,
    detail: error.message,
    original,
  });
  if (placed.kind === 'parked' && placed.isNew) deps.onParked(placed.item, error);
  return answerPlaced(deps, orderId, placed);
}

/** The very same payment may have made the instance meanwhile, by another callback. */
async function answerPlaced(
  { findInstance }: OrderPaidDeps,
  orderId: SourceId,
  placed: Placed,
): Promise<PaymentAnswer> {
  if (placed.kind !== 'instance') return placed;
  const instance = await findInstance(orderId);
  if (instance) return { kind: 'instance', first: false, instance };
  throw new WeirError('ORDER_NOT_PAYABLE', `the instance of order ${orderId} was removed from the database`);
}

function isSame(found: Order, { productId, userId }: Pick<Purchase, 'productId' | 'userId'>): boolean {
  return found.productId === productId && found.userId === userId;
}

function isOver({ status }: Order): boolean {
  return status !== 'PENDING' && status !== 'PAID' && status !== 'COMPLETED';
}

function isOtherAmount({ amountCents }: Order, { payment, acceptAmount }: PaidOrder): boolean {
  return !acceptAmount && payment.amountCents !== undefined && payment.amountCents !== amountCents;
}

function describeAmount({ id, amountCents }: Order, payment: Payment): WeirError {
  const detail = `order ${id} costs ${amountCents} cents, the payment is of ${payment.amountCents}`;
  return new WeirError('PAYMENT_AMOUNT_MISMATCH', detail);
}

function describeConflict(orderId: SourceId, { productId, userId }: InstanceLog): WeirError {
  return new WeirError(
    'ORDER_CONFLICT',
    `order ${orderId} was paid for product ${productId} and user ${userId}`,
  );
}
