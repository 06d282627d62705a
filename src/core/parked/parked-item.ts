import type { ErrorCode } from '../../errors.ts';

/**
 * Where it was taken from: a seckill stream, the outbox, the result queue, payment callbacks, the units that go back to
 * their sales, the broker.
 */
export const parkedOrigins = [
  'STREAM',
  'OUTBOX',
  'RESULT',
  'PAYMENT',
  'COMPENSATION',
  'DEAD_LETTER',
] as const;
export type ParkedOrigin = (typeof parkedOrigins)[number];

/** PARKED waits for a person. What has been dealt with stays as REPLAYED or DISCARDED, with who and what. */
export const parkedStates = ['PARKED', 'REPLAYED', 'DISCARDED'] as const;
export type ParkedState = (typeof parkedStates)[number];

/** What an item can be parked for; each has a section of its own in docs/runbooks/parked.md. */
export const parkedReasons = [
  'USER_ID_INVALID',
  'PRODUCT_ID_INVALID',
  'PRODUCT_NOT_FOUND',
  'PRODUCT_DISABLED',
  'PURCHASE_CONFLICT',
  'UNIT_SOLD_TWICE',
  'MAX_DELIVERIES_EXCEEDED',
  'ENTRY_DELETED',
  'STORE_UNAVAILABLE',
  'INTERNAL',
  'MESSAGE_REFUSED',
  'OUTBOX_BATCH_CORRUPT',
  'RESULT_INVALID',
  'RESULT_NOT_FOUND',
  'NOTHING_TO_REPLAY',
  'RESTOCK_FAILED',
  'DELIVERY_LIMIT',
  'MESSAGE_REJECTED',
  'MESSAGE_EXPIRED',
  'QUEUE_FULL',
  'DEAD_LETTERED',
  'ORDER_NOT_FOUND',
  'ORDER_CONFLICT',
  'ORDER_NOT_PAYABLE',
  'PAYMENT_AMOUNT_MISMATCH',
] as const satisfies readonly ErrorCode[];

/** Where the operator reads what to do, in this repository. */
export function docsOf(reason: string): string {
  return `docs/runbooks/parked.md#${reason.toLowerCase()}`;
}

export interface NewParkedItem {
  origin: ParkedOrigin;
  reason: ErrorCode;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  /** The bytes as they came. */
  original: Buffer;
}

export interface ParkedItem {
  id: string;
  origin: ParkedOrigin;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  parkedAt: Date;
  state: ParkedState;
  /** Replays that did not get it out. */
  attempts: number;
  resolvedAt: Date | null;
  resolvedBy: string | null;
  /** What became of it; of a discarded one why. */
  resolution: string | null;
  /** The instance that a replay made or found. */
  instanceId: string | null;
}

export interface ParkedDetail extends ParkedItem {
  /** Of a message what it is: CREATED, AGAIN, RELEASE, REFUND, RESULT; else empty. */
  kind: string;
  /** Of a message of the outbox its id; of a payment the webhook-id; else ''. */
  messageId: string;
  original: Buffer;
}

export interface ParkedFilter {
  origin?: string | undefined;
  reason?: string | undefined;
  source?: string | undefined;
  scope?: string | undefined;
  /** PARKED unless given; `ALL` for every one. */
  state?: string | undefined;
}
