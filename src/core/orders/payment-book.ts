import type { ErrorCode } from '../../errors.ts';
import type { ProductId, SourceId, UserId } from '../instance/purchase.ts';
import type { Refund } from './order.ts';
import type { Payment } from './payment.ts';

/** INSTANCE: the order's instance was made for it. REFUND: its refund was requested. */
export type PaymentOutcome = 'INSTANCE' | 'REFUND' | 'PARKED' | 'DISCARDED';

/** A payment on record. */
export interface RecordedPayment extends Payment {
  recordedAt: Date;
  outcome: PaymentOutcome;
  /** Of a refund: when the payer reported it as made. */
  refundedAt: Date | undefined;
}

/** A payment that waits for an operator, or was given up by one. */
export interface ParkedPayment {
  orderId: string;
  parkedId: string;
  reason: string;
  state: string;
}

/** What was done with a payment that did not make an instance now. */
export type Placed =
  | { kind: 'instance' }
  | { kind: 'refund'; refund: Refund }
  | { kind: 'parked'; item: ParkedPayment; isNew: boolean };

export interface PlacedPayment {
  orderId: SourceId;
  payment: Payment;
}

/** A payment whose money goes back. */
export interface ReturnedPayment extends PlacedPayment {
  productId: ProductId;
  userId: UserId;
  /** undefined: not known here. */
  amountCents: bigint | undefined;
}

export interface UnfitPayment extends PlacedPayment {
  reason: ErrorCode;
  detail: string;
  /** The body as it came. */
  original: Buffer;
}

/** The payments of orders that name themselves, or that could not become an instance. A repeat gets what was done first. */
export interface PaymentBook {
  findPayments(orderId: string): Promise<RecordedPayment[]>;
  /** The order has its instance. The payment that it was made for stays; another one is returned. */
  settleRepeat(paid: ReturnedPayment): Promise<Placed>;
  /** The order was cancelled or has expired. */
  returnLate(paid: ReturnedPayment): Promise<Placed>;
  park(paid: UnfitPayment): Promise<Placed>;
}
