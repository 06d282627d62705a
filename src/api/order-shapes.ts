import { Type } from 'typebox';
import {
  closed,
  countedList,
  ExportQuery,
  Int64,
  OrderShape,
  orNull,
  PaymentShape,
  printable,
  ReasonText,
  RefundShape,
  SourceIdText,
  Timestamp,
  TimeText,
} from './shapes.ts';

const PaymentIdText = Type.String({ minLength: 1, maxLength: 255, ...printable });

export const ListedOrderShape = Type.Object({
  ...OrderShape.properties,
  /** null: it has none, or not yet. */
  instanceId: orNull(Int64),
});

export const OrderList = countedList(ListedOrderShape);

export const OrderQuery = {
  status: Type.Optional(
    Type.Enum(['PENDING', 'PAID', 'COMPLETED', 'CANCELLED', 'EXPIRED', 'REFUND_REQUESTED', 'REFUNDED']),
  ),
  productId: Type.Optional(Int64),
  userId: Type.Optional(Int64),
  paymentId: Type.Optional(PaymentIdText),
  openRefund: Type.Optional(Type.Enum(['true', 'false'])),
  from: Type.Optional(TimeText),
  to: Type.Optional(TimeText),
  ...ExportQuery,
  cursor: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      ...printable,
      description: 'the nextCursor of the previous page',
    }),
  ),
};

/** A refund that was requested and not reported. */
export const OpenRefundShape = Type.Object({
  id: Type.String(),
  orderId: Type.String(),
  /** false: the order lives in another system, so `GET /v1/orders/{orderId}` answers 404. */
  isOrderKnown: Type.Boolean(),
  paymentId: RefundShape.properties.paymentId,
  amountCents: RefundShape.properties.amountCents,
  productId: Int64,
  userId: Int64,
  /** The instance of the order; null: it has none. */
  instanceId: orNull(Int64),
  reason: Type.String(),
  /** How often it was requested. */
  requests: Type.Integer(),
  requestedAt: Timestamp,
});

export const OpenRefundList = countedList(OpenRefundShape);

export const RefundQuery = Type.Object({ orderId: Type.Optional(SourceIdText), ...ExportQuery }, closed);

/** One change of an order; `params` depend on the code. */
const OrderStepShape = Type.Object({
  at: Timestamp,
  code: Type.String(),
  params: Type.Record(Type.String(), orNull(Type.String())),
  by: Type.String(),
});

/** With the payments on record: those that named themselves or stated anything, and those that made no instance. */
export const OrderStoryShape = Type.Object({
  ...ListedOrderShape.properties,
  payments: Type.Array(PaymentShape),
  timeline: Type.Array(OrderStepShape),
});

/** `paymentId`: which payment went back, where the order was paid more than once. */
export const MarkRefundedBody = Type.Object(
  { reason: ReasonText, paymentId: Type.Optional(PaymentIdText) },
  closed,
);
