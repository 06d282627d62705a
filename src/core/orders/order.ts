import type { ProductId, SourceId, UserId } from '../instance/purchase.ts';

export type OrderStatus =
  | 'PENDING'
  | 'PAID'
  | 'COMPLETED'
  | 'CANCELLED'
  | 'EXPIRED'
  | 'REFUND_REQUESTED'
  | 'REFUNDED';

export interface Order {
  id: SourceId;
  productId: ProductId;
  userId: UserId;
  status: OrderStatus;
  amountCents: bigint;
  createdAt: Date;
  updatedAt: Date;
  paidAt: Date | undefined;
  /** A payment that comes later is restocked. undefined: it may be paid for ever. */
  expiresAt: Date | undefined;
}

/** Money that is owed back for an order. */
export interface Refund {
  orderId: string;
  /** The payment that goes back, as the payer knows it; undefined where it did not name itself. */
  paymentId: string | undefined;
  /** undefined for an order that lives elsewhere. */
  amountCents: bigint | undefined;
  reason: string;
  requestedAt: Date;
  refundedAt: Date | undefined;
}

export interface NewOrder {
  id: SourceId;
  productId: ProductId;
  userId: UserId;
  amountCents: bigint;
  idempotencyKey: string | undefined;
  /** From now; undefined: never. */
  expiresInMs?: number | undefined;
}
