/**
 * Every expected failure: whether a retry can succeed, and advice for the caller. The optional second advice is for the operator
 * of a parked item, who can replay or discard it.
 */
const table = {
  USER_ID_INVALID: ['permanent', 'A user id is a decimal integer from 1 to 9223372036854775807.'],
  PRODUCT_ID_INVALID: ['permanent', 'A product id is a decimal integer from 1 to 9223372036854775807.'],
  SOURCE_INVALID: ['permanent', 'A source is 1 to 20 of A-Z, 0-9 and _, beginning with a letter.'],
  SOURCE_ID_INVALID: ['permanent', 'A source id is 1 to 64 printable characters.'],
  SCOPE_INVALID: [
    'permanent',
    'The scope of a stream entry is the key of its stream; of any other source it is empty.',
  ],
  PRODUCT_NOT_FOUND: [
    'permanent',
    'Check the product id; POST /v1/products and `weir products create` create a product.',
    'Create the product with POST /v1/products or `weir products create`, then replay.',
  ],
  PRODUCT_DISABLED: [
    'permanent',
    'Enable the product with `weir products enable`.',
    'Enable the product with `weir products enable`, then replay; or discard.',
  ],
  PURCHASE_CONFLICT: [
    'permanent',
    'The same source id already names a purchase of another product or user; check the sender.',
  ],
  UNIT_SOLD_TWICE: [
    'permanent',
    'Redis lost its latest writes and sold this unit again. Ask the buyer to buy again, then discard; `weir sale add` adds stock.',
  ],
  MAX_DELIVERIES_EXCEEDED: [
    'permanent',
    'The process ended each time it handled this entry alone; read the logs, then replay.',
  ],
  ENTRY_DELETED: [
    'permanent',
    'The entry was trimmed or deleted before it was read; find the buyer by the entry id, then replay with userId.',
  ],
  MESSAGE_REFUSED: [
    'permanent',
    'The broker rejected this message and accepted others; read the detail, then replay.',
  ],
  OUTBOX_BATCH_CORRUPT: [
    'permanent',
    'An outbox batch cannot be read, so its events are not published; please report it.',
  ],
  DELIVERY_LIMIT: [
    'permanent',
    'Its consumer returned this message more often than the queue allows; correct the consumer, then replay.',
  ],
  MESSAGE_REJECTED: [
    'permanent',
    'A consumer rejected this message without requeue; read the log of the consumer, then replay or discard.',
  ],
  MESSAGE_EXPIRED: [
    'permanent',
    'The queue has a time to live; remove it as `weir doctor` advises, then replay.',
  ],
  QUEUE_FULL: [
    'permanent',
    'The queue was full and dropped its oldest messages; correct it as `weir doctor` advises, then replay.',
  ],
  DEAD_LETTERED: [
    'permanent',
    'A queue dropped this message; find the cause with `weir doctor`, then replay, or send it yourself and discard.',
  ],
  ORDER_NOT_FOUND: [
    'permanent',
    'Check the order id; Weir knows orders that it created itself.',
    'Run `weir orders paid ORDER --product … --user …`, then replay; or return the money at the payer, then discard.',
  ],
  ORDER_CONFLICT: ['permanent', 'The order is of another product or user.'],
  ORDER_NOT_PAYABLE: ['permanent', 'Only a pending order can be paid.'],
  PAYMENT_AMOUNT_MISMATCH: [
    'permanent',
    'Replay it with acceptAmount to take it as it is; or cancel the order, then replay: its refund is requested.',
  ],
  ORDER_NOT_CANCELLABLE: ['permanent', 'Only a pending order can be cancelled.'],
  IDEMPOTENCY_CONFLICT: ['permanent', 'This Idempotency-Key was used with another body; use a new key.'],
  PRODUCT_CONFLICT: ['permanent', 'This product id exists with other properties.'],
  INSTANCE_NOT_FOUND: [
    'permanent',
    'Look it up by any of its ids: GET /v1/instances?q=ID or `weir instances search ID`.',
  ],
  INSTANCE_SETTLED: ['permanent', 'Only an instance that is PROCESSING can be republished.'],
  INSTANCE_NOT_RELEASABLE: ['permanent', 'Only the machine of an instance that is FAILED can be released.'],
  RESULT_INVALID: [
    'permanent',
    'Send an InstanceResult with an instance id and SUCCESS or FAILED.',
    'Not an InstanceResult with an instance id and SUCCESS or FAILED; correct the Resource Domain, then discard.',
  ],
  RESULT_NOT_FOUND: [
    'permanent',
    'Check the instance id; it may be an instance of another Weir.',
    'There is no such instance; find out whether it is of another Weir, then discard.',
  ],
  RESULT_LATE: ['permanent', 'The instance had timed out; release its machine. Recorded with the instance.'],
  RESULT_CONFLICT: [
    'permanent',
    'The instance already has another result, which stands. Recorded with the instance.',
  ],
  SALE_NOT_FOUND: ['permanent', 'Check the product id; POST /v1/sales and `weir sale open` open a sale.'],
  SALE_CONFLICT: [
    'permanent',
    'A product has one sale at a time: end the running one, or change it with PATCH.',
  ],
  SALE_WINDOW_INVALID: [
    'permanent',
    'A sale ends after it starts, and not in the past of the clock of the store.',
  ],
  NOT_STARTED: [
    'permanent',
    'Try again when the sale has started; GET /v1/sales/{productId} returns the time.',
  ],
  PAUSED: ['permanent', 'Try again when the sale is resumed.'],
  ENDED: ['permanent', 'The sale is over; buyers keep what they bought.'],
  SOLD_OUT: ['permanent', 'Units may be restocked; try again later.'],
  LIMIT_REACHED: ['permanent', 'This user holds as many units as the sale allows.'],
  TICKET_REQUIRED: [
    'permanent',
    'This sale is entered with a ticket: POST /v1/sales/{productId}/tickets, and send it as `ticket`.',
  ],
  TICKET_INVALID: ['permanent', 'Send the ticket unchanged, for its own sale and its own user.'],
  NOT_ADMITTED: [
    'permanent',
    'Try again when the ticket admits; GET /v1/sales/{productId}/ticket returns the time.',
  ],
  TICKETS_CLOSED: ['permanent', 'Tickets of this sale are issued only before its start.'],
  TICKETS_UNUSED: ['permanent', 'This sale needs no ticket: buy without one.'],
  PURCHASE_NOT_FOUND: ['permanent', 'Use the streamId that the buy returned, and its product.'],
  RATE_LIMITED: ['transient', 'Wait for the seconds in Retry-After, then try again.'],
  STREAM_NOT_FOUND: ['permanent', 'Name a stream as the audit lists it, such as stream:seckill:1001.'],
  PARKED_NOT_FOUND: [
    'permanent',
    'List parked items with `weir parked list --state ALL`; old ones are removed.',
  ],
  PARKED_JOB_NOT_FOUND: ['permanent', 'List the jobs with `weir parked jobs list`; old ones are removed.'],
  PARKED_JOB_ENDED: ['permanent', 'Nothing is left to abort; what it did is in its results.'],
  PARKED_RESOLVED: ['permanent', 'It has already been replayed or discarded; see `weir parked show`.'],
  NOTHING_TO_REPLAY: [
    'permanent',
    'It has nothing left to replay; find out what the buyer is owed, then discard it.',
  ],
  RESTOCK_FAILED: [
    'permanent',
    'Correct the keys of the sale or their permissions as the detail shows, then replay; or discard, and the unit is not sold again.',
  ],
  ORDER_NOT_REFUNDABLE: [
    'permanent',
    'Only a refund that Weir has requested can be reported or requested again.',
  ],
  REQUEST_INVALID: ['permanent', 'Correct the request as the detail describes.'],
  SIGNATURE_INVALID: [
    'permanent',
    'Sign the raw body with the configured secret (Standard Webhooks) within five minutes.',
  ],
  SIGNED_ORDER_DIFFERS: ['permanent', 'The signed body must carry "orderId", equal to the one in the path.'],
  UNAUTHENTICATED: [
    'permanent',
    'Send an operator key: Authorization: Bearer …; `weir keys create` creates one.',
  ],
  INSUFFICIENT_SCOPE: [
    'permanent',
    'Use a key of that scope; `weir keys create NAME --scope SCOPE` creates one.',
  ],
  ORIGIN_NOT_ALLOWED: [
    'permanent',
    'Call from a page of the same origin, or with a key instead of a cookie.',
  ],
  KEY_NOT_FOUND: ['permanent', 'List the keys with `weir keys list`.'],
  KEY_CONFLICT: ['permanent', 'A valid key has this name: choose another, or revoke that one first.'],
  KEY_LIMIT: ['permanent', 'Revoke keys that are not used; `weir keys list` shows when each was last used.'],
  KEY_EXPIRY_INVALID: ['permanent', 'The expiry must be in the future; a key without one never expires.'],
  STORE_UNAVAILABLE: ['transient', 'A store is unavailable; try again shortly, and see /readyz.'],
  PRODUCT_CHANGING: ['transient', 'The product was changed during every attempt; send the request again.'],
  STORE_MISMATCH: [
    'transient',
    'Correct the address of the store, or assign it to this installation with `weir stores adopt`.',
  ],
  TOO_MANY_LISTENERS: ['transient', 'Close a page or a `weir top` that is not needed, or poll GET /v1/now.'],
  OVERLOADED: ['transient', 'The server is overloaded; wait for the seconds in Retry-After, then try again.'],
  WORKER_LEASE_LOST: ['transient', 'Weir could not lease a worker id in time; check the database.'],
  INTERNAL: ['transient', 'This is a bug in Weir; please report it with the log lines around it.'],
} as const satisfies Record<string, readonly ['transient' | 'permanent', string, string?]>;

export type ErrorCode = keyof typeof table;

interface WeirErrorOptions extends ErrorOptions {
  retryAfterMs?: number;
  params?: Readonly<Record<string, string>>;
}

/** An expected failure with a stable code. `message` says what happened, `advice` what to do next. */
export class WeirError extends Error {
  readonly code: ErrorCode;
  /** How long the caller should wait before a retry. Default 1000. */
  readonly retryAfterMs: number;
  /** The values that the sentence of the code needs, in whatever language. */
  readonly params: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: WeirErrorOptions = {}) {
    super(message, options);
    this.name = 'WeirError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs ?? 1_000;
    this.params = options.params ?? {};
  }

  /** Whether a retry can succeed: the caller retries, and Weir parks nothing. */
  get isTransient(): boolean {
    return table[this.code][0] === 'transient';
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
