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
}

export interface NewOrder {
  id: SourceId;
  productId: ProductId;
  userId: UserId;
  amountCents: bigint;
  idempotencyKey: string | undefined;
}
