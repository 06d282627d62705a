import type { Order, OrderStatus } from './order.ts';

export const orderStatuses = [
  'PENDING',
  'PAID',
  'COMPLETED',
  'CANCELLED',
  'EXPIRED',
  'REFUND_REQUESTED',
  'REFUNDED',
] as const satisfies readonly OrderStatus[];

export interface OrderFilter {
  status?: OrderStatus | undefined;
  productId?: string | undefined;
  userId?: string | undefined;
  /** The payer's id of a payment; several orders may have one of that name. */
  paymentId?: string | undefined;
  /** Created at this time or later. */
  from?: Date | undefined;
  /** Created before. */
  to?: Date | undefined;
}

export interface ListedOrder extends Order {
  instanceId: string | undefined;
}

export interface OrderPage {
  items: ListedOrder[];
  /** The id of the last order of the page. */
  nextCursor: string | undefined;
}
