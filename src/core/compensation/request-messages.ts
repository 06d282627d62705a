import { textField, timestampField, varintField } from '../../lib/wire-format.ts';
import type { UserId } from '../instance/purchase.ts';
import { formatUserId } from '../instance/user-id.ts';

// Requests to other services. They are rare, so their encoding is plain, without the caching of
// INSTANCE_CREATED.

export const releaseRequested = 'INSTANCE_RELEASE_REQUESTED';
export const refundRequested = 'ORDER_REFUND_REQUESTED';

/** A message for the outbox. */
export interface RequestMessage {
  id: string;
  type: string;
  body: Buffer;
}

/**
 * Requests the release of a machine without an owner: an Event (proto/weir/v1/event.proto) without name and
 * spec.
 */
export function createReleaseRequest(instanceId: bigint, userId: UserId, wallMs: number): RequestMessage {
  const body = Buffer.concat([
    textField(1, releaseRequested),
    varintField(2, instanceId),
    textField(3, formatUserId(userId)),
    timestampField(6, wallMs),
  ]);
  return { id: `release-${instanceId}`, type: releaseRequested, body };
}

interface Refund {
  /** The instance id, or an unused id when no instance exists; makes the message id unique. */
  instanceId: bigint;
  orderId: string;
  productId: bigint;
  userId: UserId;
  /** undefined for an order that lives in another system. */
  amountCents: bigint | undefined;
  reason: string;
  /** The payment to refund; undefined when the callback carried no `paymentId`. */
  paymentId?: string | undefined;
}

/** Encodes OrderRefundRequested of proto/weir/v1/order_refund.proto. */
export function createRefundRequest(refund: Refund, wallMs: number): RequestMessage {
  const body = Buffer.concat([
    textField(1, refundRequested),
    textField(2, refund.orderId),
    varintField(3, refund.instanceId),
    varintField(4, refund.productId),
    textField(5, formatUserId(refund.userId)),
    varintField(6, refund.amountCents ?? 0n),
    textField(7, refund.reason),
    timestampField(8, wallMs),
    textField(9, refund.paymentId ?? ''),
  ]);
  return { id: `refund-${refund.instanceId}`, type: refundRequested, body };
}
