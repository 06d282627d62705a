/**
 * Every failure that a user can meet: whether it may pass by itself, and what the reader should do.
 * `retry`: it may pass by itself, so leave the purchase where it is. `park`: it will not; set it aside with this code.
 * A second advice is for the operator of a parked item, where a sender can do nothing with "replay" or "discard".
 */
const table = {
  USER_ID_INVALID: ['park', 'A user id is a decimal integer from 1 to 9223372036854775807.'],
  PRODUCT_ID_INVALID: ['park', 'A product id is a decimal integer from 1 to 9223372036854775807.'],
  SOURCE_INVALID: ['park', 'A source is 1 to 20 of A-Z, 0-9 and _, beginning with a letter.'],
  SOURCE_ID_INVALID: ['park', 'A source id is 1 to 64 printable characters.'],
  SCOPE_INVALID: [
    'park',
    'The scope of a stream entry is the key of its stream; of any other source it is empty.',
  ],
  PRODUCT_NOT_FOUND: [
    'park',
    'Check the product id; POST /v1/products and `weir products create` create a product.',
    'Create the product with POST /v1/products or `weir products create`, then replay.',
  ],
  PRODUCT_DISABLED: [
    'park',
    'Enable the product with `weir products enable`.',
    'Enable the product with `weir products enable`, then replay; or discard.',
  ],
  PURCHASE_CONFLICT: [
    'park',
    'The same source id already names a purchase of another product or user; check the sender.',
  ],
  UNIT_SOLD_TWICE: [
    'park',
    'Redis lost its latest writes and sold this unit again. Tell the buyer to buy again, then discard; `weir sale add` adds stock.',
  ],
  MAX_DELIVERIES_EXCEEDED: [
    'park',
    'The process ended each time it worked on this entry alone; look at the logs, then replay.',
  ],
  ENTRY_DELETED: [
    'park',
    'The entry was trimmed or deleted before it was read; find the buyer by the entry id, then replay with userId.',
  ],
  MESSAGE_REFUSED: ['park', 'The broker refused this message while it took others; see detail, then replay.'],
  OUTBOX_BATCH_CORRUPT: [
    'park',
    'An outbox batch cannot be read, so its events are not published; please report it.',
  ],
  DELIVERY_LIMIT: [
    'park',
    'Its consumer returned this message more often than the queue allows; correct the consumer, then replay.',
  ],
  MESSAGE_REJECTED: [
    'park',
    'A consumer rejected this message without requeue; look at the log of the consumer, then replay or discard.',
  ],
  MESSAGE_EXPIRED: ['park', 'The queue has a time to live; remove it as `weir doctor` says, then replay.'],
  QUEUE_FULL: [
    'park',
    'The queue was full and drops its oldest messages; correct it as `weir doctor` says, then replay.',
  ],
  DEAD_LETTERED: [
    'park',
    'A queue dropped this message; find out why with `weir doctor`, then replay, or send it yourself and discard.',
  ],
  ORDER_NOT_FOUND: [
    'park',
    'Check the order id; Weir knows orders that it created itself.',
    'Run `weir orders paid ORDER --product … --user …`, then replay; or return the money at the payer, then discard.',
  ],
  ORDER_CONFLICT: ['park', 'The order is of another product or user.'],
  ORDER_NOT_PAYABLE: ['park', 'Only a pending order can be paid.'],
  PAYMENT_AMOUNT_MISMATCH: [
    'park',
    'Replay it with acceptAmount to take it as it is; or cancel the order, then replay: its refund is requested.',
  ],
  ORDER_NOT_CANCELLABLE: ['park', 'Only a pending order can be cancelled.'],
  IDEMPOTENCY_CONFLICT: ['park', 'This Idempotency-Key was used with another body; use a new key.'],
  PRODUCT_CONFLICT: ['park', 'This product id exists with other properties.'],
  INSTANCE_NOT_FOUND: [
    'park',
    'Find it by any id it goes by: GET /v1/instances?q=ID or `weir instances search ID`.',
  ],
  INSTANCE_SETTLED: ['park', 'Only an instance that is PROCESSING can be republished.'],
  INSTANCE_NOT_RELEASABLE: ['park', 'Only the machine of an instance that is FAILED can be released.'],
  RESULT_INVALID: [
    'park',
    'Send an InstanceResult with an instance id and SUCCESS or FAILED.',
    'Not an InstanceResult with an instance id and SUCCESS or FAILED; correct the Resource Domain, then discard.',
  ],
  RESULT_NOT_FOUND: [
    'park',
    'Check the instance id; it may be an instance of another Weir.',
    'There is no such instance; find out whether it is of another Weir, then discard.',
  ],
  RESULT_LATE: ['park', 'Weir had given this instance up; release its machine. Recorded with the instance.'],
  RESULT_CONFLICT: ['park', 'The instance has had another result, which stands. Recorded with the instance.'],
  SALE_NOT_FOUND: ['park', 'Check the product id; POST /v1/sales and `weir sale open` open a sale.'],
  SALE_CONFLICT: ['park', 'One sale of a product at a time: end the one that runs, or change it with PATCH.'],
  SALE_WINDOW_INVALID: [
    'park',
    'A sale ends after it starts, and not in the past of the clock of the store.',
  ],
  NOT_STARTED: ['park', 'Ask again when the sale has started; GET /v1/sales/{productId} says when.'],
  PAUSED: ['park', 'Ask again when the sale goes on.'],
  ENDED: ['park', 'The sale is over; its winners keep what they have.'],
  SOLD_OUT: ['park', 'Units may come back: ask again later, or not at all.'],
  LIMIT_REACHED: ['park', 'This user holds as many units as one may.'],
  TICKET_REQUIRED: [
    'park',
    'This sale is entered with a ticket: POST /v1/sales/{productId}/tickets, and send it as `ticket`.',
  ],
  TICKET_INVALID: [
    'park',
    'Send the ticket as it was given out, for this sale and by the user that it names.',
  ],
  NOT_ADMITTED: ['park', 'Ask again when the ticket admits; GET /v1/sales/{productId}/ticket says when.'],
  TICKETS_CLOSED: ['park', 'Tickets of this sale are given out before its start only.'],
  TICKETS_UNUSED: ['park', 'This sale is open to everybody: buy without a ticket.'],
  PURCHASE_NOT_FOUND: ['park', 'Ask with the streamId that the buy was answered with, and its product.'],
  RATE_LIMITED: ['retry', 'Wait for as many seconds as Retry-After says, then ask again.'],
  STREAM_NOT_FOUND: ['park', 'Name a stream as the audit lists it, such as stream:seckill:1001.'],
  PARKED_NOT_FOUND: ['park', 'See what there is with `weir parked list --state ALL`; old ones are removed.'],
  PARKED_RESOLVED: ['park', 'It has been replayed or discarded before; look at it with `weir parked show`.'],
  NOTHING_TO_REPLAY: ['park', 'Nothing of it is left to replay; find out what is owed, then discard it.'],
  RESTOCK_FAILED: [
    'park',
    'Correct the keys of the sale or their permissions as the detail says, then replay; discard to sell the unit no more.',
  ],
  ORDER_NOT_REFUNDABLE: ['park', 'Only a refund that Weir has requested can be reported or requested again.'],
  REQUEST_INVALID: ['park', 'Correct the request as the detail says.'],
  SIGNATURE_INVALID: [
    'park',
    'Sign the raw body with the configured secret (Standard Webhooks) within five minutes.',
  ],
  SIGNED_ORDER_DIFFERS: ['park', 'The signed body must carry "orderId", equal to the one in the path.'],
  UNAUTHENTICATED: ['park', 'Send an operator key: Authorization: Bearer …; `weir keys create` makes one.'],
  INSUFFICIENT_SCOPE: ['park', 'Use a key of that scope; `weir keys create NAME --scope SCOPE` makes one.'],
  ORIGIN_NOT_ALLOWED: ['park', 'Call from a page of this very origin, or with a key instead of a cookie.'],
  KEY_NOT_FOUND: ['park', 'See what there is with `weir keys list`.'],
  KEY_CONFLICT: ['park', 'A key in force has this name: choose another, or revoke that one first.'],
  KEY_LIMIT: ['park', 'Revoke keys that are not used; `weir keys list` says when each was used last.'],
  KEY_EXPIRY_INVALID: ['park', 'A key expires in the future, or never when that is left out.'],
  STORE_UNAVAILABLE: ['retry', 'A store does not answer; try again shortly and look at /readyz.'],
  PRODUCT_CHANGING: ['retry', 'The product was changed during every attempt; send the request again.'],
  STORE_MISMATCH: [
    'retry',
    'Correct the address of the store, or make it the one of this installation with `weir stores adopt`.',
  ],
  TOO_MANY_LISTENERS: ['retry', 'Close a page or a `weir top` that is not needed, or ask GET /v1/now.'],
  OVERLOADED: ['retry', 'More comes in than can be taken now; wait for as long as Retry-After says.'],
  WORKER_LEASE_LOST: ['retry', 'No worker id could be leased in time; look at the database.'],
  INTERNAL: ['retry', 'This is a bug in Weir; please report it with the log lines around it.'],
} as const satisfies Record<string, readonly ['retry' | 'park', string, string?]>;

export type ErrorCode = keyof typeof table;
export type Disposition = 'retry' | 'park';

/** An expected failure with a stable code. `message` says what happened, `advice` what to do next. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  /** When it is worth trying again. */
  readonly retryAfterMs: number;

  constructor(code: ErrorCode, message: string, options: ErrorOptions & { retryAfterMs?: number } = {}) {
    super(message, options);
    this.name = 'WeirError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? 1_000;
  }

  get disposition(): Disposition {
    return table[this.code][0];
  }

  get advice(): string {
    return table[this.code][1];
  }
}

/** What the sender of a refused request should do. */
export function adviceFor(code: ErrorCode): string {
  return table[code][1];
}

/** What an operator should do about a parked item with this reason. */
export function adviceForParked(reason: string): string {
  if (!Object.hasOwn(table, reason)) return '';
  const [, advice, parked = advice] = table[reason as ErrorCode] as readonly [string, string, string?];
  return parked;
}

/** Keeps a WeirError; anything else is a bug and becomes INTERNAL with its cause. */
export function toWeirError(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new WeirError('INTERNAL', message, { cause: error });
}
