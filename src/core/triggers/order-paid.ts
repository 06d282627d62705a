import { WeirError } from '../../errors.ts';
import type { InstanceLog } from '../instance/instance-log.ts';
import type { ProductId, Purchase, Source, SourceId, UserId } from '../instance/purchase.ts';
import type { Order, Refund } from '../orders/order.ts';
import { hasFacts, isNamed, isSamePayment, type Payment } from '../orders/payment.ts';
import type { ParkedPayment, PaymentBook, PaymentResult } from '../orders/payment-book.ts';
import type { CreateInstance, Receipt } from './any-source.ts';

const order = 'ORDER' as Source;

export interface PaidOrder {
  orderId: SourceId;
  /** Required for an order of another system; for an order of Weir it must match. */
  named: { productId: ProductId; userId: UserId } | undefined;
  payment: Payment;
  /**
   * The callback's body, kept when the payment is parked. undefined: not a callback, so a payment that does
   * not fit throws instead.
   */
  original?: Buffer;
  /** An operator accepts an amount that differs from the order's. */
  acceptAmount?: boolean;
  traceparent?: string;
}

/** What was done with the payment. */
export type PaymentAnswer =
  | ({ kind: 'instance' } & Receipt)
  | { kind: 'refund'; refund: Refund }
  | { kind: 'parked'; item: ParkedPayment };

interface OrderPaidDeps {
  findOrder: (id: string) => Promise<Order | undefined>;
  /** Finds the instance of an order, including archived ones. */
  findInstance: (orderId: SourceId) => Promise<InstanceLog | undefined>;
  createInstance: CreateInstance;
  payments: PaymentBook;
  onParked: (item: ParkedPayment, error: WeirError) => void;
}

/**
 * Handles a payment. One that cannot become an instance is recorded before it is answered: refunded when its
 * order is over or already paid, else parked. The commit checks the order again, so a stale read here is
 * harmless.
 * @throws WeirError ORDER_CONFLICT; without a callback also the error that rejected the purchase
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

/** The order already has its instance: a repeat returns it, another payment is refunded. */
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
  const result = await deps.payments.settleRepeat({ orderId, payment, productId, userId, amountCents });
  return result.kind === 'instance' ? receipt : result;
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
  // Checked for every permanent error: the product of an order that is over may be gone as well.
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
    return answerPayment(deps, orderId, await deps.payments.returnLate(late));
  }
  return park(deps, paid, error);
}

/** A payment with an id is real money, so it is parked. One without may be the caller's mistake. */
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
  const result = await deps.payments.park({
    orderId,
    payment,
    reason: error.code,
    detail: error.message,
    params: error.params,
    original,
  });
  if (result.kind === 'parked' && result.isNew) deps.onParked(result.item, error);
  return answerPayment(deps, orderId, result);
}

/** A concurrent callback of the same payment may have created the instance meanwhile. */
async function answerPayment(
  { findInstance }: OrderPaidDeps,
  orderId: SourceId,
  result: PaymentResult,
): Promise<PaymentAnswer> {
  if (result.kind !== 'instance') return result;
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
