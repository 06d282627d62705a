import type { ErrorCode } from '../../errors.ts';
import type { ProductId, SourceId, UserId } from '../instance/purchase.ts';
import type { Refund } from './order.ts';
import type { Payment } from './payment.ts';

/** INSTANCE: the payment created the order's instance. REFUND: its refund was requested. */
export type PaymentOutcome = 'INSTANCE' | 'REFUND' | 'PARKED' | 'DISCARDED';

/** A recorded payment. */
export interface RecordedPayment extends Payment {
  recordedAt: Date;
  outcome: PaymentOutcome;
  /** When the payer reported the refund as done. */
  refundedAt: Date | undefined;
}

/** A payment that is parked, or was discarded by an operator. */
export interface ParkedPayment {
  orderId: string;
  parkedId: string;
  reason: string;
  state: string;
}

/** What was done with a payment that did not create an instance. */
export type PaymentResult =
  | { kind: 'instance' }
  | { kind: 'refund'; refund: Refund }
  | { kind: 'parked'; item: ParkedPayment; isNew: boolean };

export interface OrderPayment {
  orderId: SourceId;
  payment: Payment;
}

/** A payment to refund. */
export interface ReturnedPayment extends OrderPayment {
  productId: ProductId;
  userId: UserId;
  /** undefined when unknown. */
  amountCents: bigint | undefined;
}

export interface UnfitPayment extends OrderPayment {
  reason: ErrorCode;
  detail: string;
  params: Readonly<Record<string, string>>;
  /** The body as received. */
  original: Buffer;
}

/** Records payments that carry an id or could not become an instance. A repeat gets the first outcome. */
export interface PaymentBook {
  findPayments(orderId: string): Promise<RecordedPayment[]>;
  /** For an order that already has its instance: keeps the payment that created it, refunds any other. */
  settleRepeat(paid: ReturnedPayment): Promise<PaymentResult>;
  /** For an order that was cancelled or has expired. */
  returnLate(paid: ReturnedPayment): Promise<PaymentResult>;
  park(paid: UnfitPayment): Promise<PaymentResult>;
}
