import type { ErrorCode } from '../../errors.ts';

/**
 * The origin: a seckill stream, the outbox, the result queue, payment callbacks, restocks, or the broker's
 * dead letters.
 */
export const parkedOrigins = [
  'STREAM',
  'OUTBOX',
  'RESULT',
  'PAYMENT',
  'COMPENSATION',
  'DEAD_LETTER',
] as const;
type ParkedOrigin = (typeof parkedOrigins)[number];

/**
 * PARKED waits for an operator. REPLAYED and DISCARDED items are kept, with the operator and the resolution.
 */
export const parkedStates = ['PARKED', 'REPLAYED', 'DISCARDED'] as const;
type ParkedState = (typeof parkedStates)[number];

/** The reasons for parking; each has its own section in docs/runbooks/parked.md. */
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

/** Path of the runbook section for a reason, in this repository. */
export function docsOf(reason: string): string {
  return `docs/runbooks/parked.md#${reason.toLowerCase()}`;
}

type Params = Readonly<Record<string, string>>;

export interface NewParkedItem {
  origin: ParkedOrigin;
  reason: ErrorCode;
  /** In English, for psql and the log. */
  detail: string;
  /** The values of the reason's sentence. */
  params?: Params | undefined;
  source: string;
  scope: string;
  sourceId: string;
  /** The bytes as received. */
  original: Buffer;
}

/** The stored resolution of an item, for which api/sentences.ts has a sentence; a discarded item has the operator's note. */
export type ResolutionStatement =
  | { code: 'INSTANCE_CREATED' | 'INSTANCE_FOUND'; params: { instanceId: string } }
  | { code: 'RESULT_SETTLED'; params: { status: string; outcome: string } }
  | { code: 'REFUND_REQUESTED'; params: { reason: string } }
  | { code: 'OUTBOX_RETURNED' | 'UNIT_OWED_AGAIN'; params: Record<never, string> }
  | { code: 'NOTE'; params: { note: string } };

export interface ParkedItem {
  id: string;
  origin: ParkedOrigin;
  reason: string;
  detail: string;
  params: Params;
  source: string;
  scope: string;
  sourceId: string;
  parkedAt: Date;
  state: ParkedState;
  /** Failed replays. */
  attempts: number;
  resolvedAt: Date | null;
  resolvedBy: string | null;
  resolution: ResolutionStatement | null;
  /** The instance that a replay created or found. */
  instanceId: string | null;
  /** The job that resolved it. */
  jobId: string | null;
}

export interface ParkedDetail extends ParkedItem {
  /** The kind of a message: CREATED, AGAIN, RELEASE, REFUND or RESULT; otherwise ''. */
  kind: string;
  /** The id of an outbox message, or the webhook-id of a payment; otherwise ''. */
  messageId: string;
  original: Buffer;
}

export interface ParkedFilter {
  origin?: string | undefined;
  reason?: string | undefined;
  source?: string | undefined;
  scope?: string | undefined;
  sourceId?: string | undefined;
  /** Default PARKED; `ALL` selects every state. */
  state?: string | undefined;
}

/** Items with one reason from one origin. */
export interface ParkedGroup {
  reason: string;
  origin: ParkedOrigin;
  count: number;
  oldestAt: Date;
}
