import type { Actor } from '../actor.ts';
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
  /** A later payment is refunded. undefined: the order never expires. */
  expiresAt: Date | undefined;
}

/** A refund owed for an order. */
export interface Refund {
  orderId: string;
  /** The payer's id of the payment; undefined when the callback carried none. */
  paymentId: string | undefined;
  /** undefined for an order that lives in another system. */
  amountCents: bigint | undefined;
  reason: string;
  requestedAt: Date;
  refundedAt: Date | undefined;
}

/** A refund that was requested and not reported. Ids and amounts as decimal strings. */
export interface OpenRefund {
  /** The id of the compensation, and the cursor of the list. */
  id: string;
  orderId: string;
  /** false: the order lives in another system. */
  isOrderKnown: boolean;
  paymentId: string | undefined;
  amountCents: string | undefined;
  productId: string;
  userId: string;
  /** The order has its instance when the refund is that of a further payment. */
  instanceId: string | undefined;
  reason: string;
  /** How often it was requested. */
  requests: number;
  requestedAt: Date;
}

/** An operator who states that the money has gone back, in place of the payment system. */
export interface RefundOperator {
  actor: Actor;
  /** undefined where it was the callback that carried the operator's key. */
  reason: string | undefined;
}

export interface NewOrder {
  id: SourceId;
  productId: ProductId;
  userId: UserId;
  amountCents: bigint;
  idempotencyKey: string | undefined;
  /** Milliseconds from now; undefined: never. */
  expiresInMs?: number | undefined;
}
