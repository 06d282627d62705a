/** What the server states: the code and the values that its sentence needs. Texts of other programs are values too. */
export type Statement = {
  [C in StatementCode]: { code: C; params: ParamsOf<(typeof sentences)[C]> };
}[StatementCode];

/** The names in a sentence's braces. */
type PlacesOf<Text extends string> = Text extends `${string}{${infer Place}}${infer Rest}`
  ? Place | PlacesOf<Rest>
  : never;

type ParamsOf<Text extends string> = Readonly<Record<PlacesOf<Text>, string>>;

export type StatementCode = keyof typeof sentences;

/** The English sentence of each code, for the command line and the page; no other place writes one. */
export const sentences = {
  // The steps of a timeline
  STREAM_ENTRY: 'entry {sourceId} on {scope}',
  ORDER: 'order {orderId}',
  PURCHASE: '{source} {sourceId}',
  PARKED: '{origin}: {reason}',
  INSTANCE: 'instance {instanceId}',
  CONFIRMED: 'confirmed by the queue no later than this',
  RESULT: '{status}',
  RESULT_WITH_REASON: '{status}: {reason}',
  REASON: '{reason}',
  NO_RESULT: 'no result by the deadline',
  ON_REQUEST: 'requested by an operator',
  NO_OWNER: 'the machine has no owner',
  GIVEN_UP: 'timed out without a result',
  REFUND_NOT_REPORTED: 'the refund was not reported',
  FOREIGN_SALE: 'not a sale of Weir: the counters of the seller are not changed',

  // Who did it
  BUYER: 'buyer',
  WEIR: 'Weir',
  PAYER: 'payment side',
  PAYMENT_CALLBACK: 'payment callback',
  RESOURCE_DOMAIN: 'Resource Domain',
  OPERATOR: '{name}',

  // How a parked item was resolved
  INSTANCE_CREATED: 'created instance {instanceId}',
  INSTANCE_FOUND: 'instance {instanceId} existed already',
  RESULT_SETTLED: '{status}: {outcome}',
  REFUND_REQUESTED: 'requested the refund of the payment: {reason}',
  OUTBOX_RETURNED: 'returned to the outbox',
  UNIT_OWED_AGAIN: 'the unit will be restocked again',
  NOTE: '{note}',

  // Exceptions of the audit
  ENTRIES_MISSING: '{added} entries were added; {rows} are rows, {parked} parked, {waiting} wait',
  ENTRIES_SURPLUS: '{added} entries were added; {rows} are rows, {parked} parked, {waiting} wait',
  STREAM_RESTARTED:
    'the stream was deleted, emptied or restored before {at}; no counted entry is known to be missing',
  STREAM_RESTARTED_WITH_LOSS:
    'the stream was deleted, emptied or restored before {at}; {lost} entries or more that had been counted are gone',
  INSTANCES_OVER_STOCK: '{instances} instances that did not fail, and a stock of {stock}',
  INSTANCES_OVER_LIMIT: 'user {userId} has {instances} instances, the limit is {limit}',
  UNITS_MISSING: 'the sale sold {sold} units; {instances} are instances, {parked} parked, {waiting} wait',
  UNITS_LOST: 'Redis lost {lost} units before {at} that it had sold: their buyers have nothing',
  ENTRY_LOST: 'entry {entryId} of user {userId} is gone: neither an instance nor parked',
  STOCK_DIFFERS: 'stock {stock}, sold {sold}, remaining {remaining}, restocked {restocked}',
  RESTOCKS_LOST: 'the sale took back {returned} units; {done} of {owed} restocks are done',
  RESTOCKS_SURPLUS: 'the sale took back {returned} units; {done} of {owed} restocks are done',
  ORDER_WITHOUT_INSTANCE: 'the order is paid and has neither an instance nor a refund',
  ORDER_NOT_PAID: 'the order has an instance and was never paid',
  REFUND_MISSING: 'the instance of an order has failed and no refund was requested',
  REFUND_UNFOUNDED: 'a refund was requested although the instance has not failed',
  RESTOCK_MISSING: 'the instance of a sale has failed and its unit was not restocked',
  COMPENSATION_MISSING: 'the instance has failed and no record shows what its buyer is owed',
  RESULT_MISSING: 'the instance waits for a result, and no rescuer has handled it for ten minutes',
  ROWS_CHANGED: 'another program wrote or removed rows, or deleted batches',
  STREAMS_NOT_COUNTED: '{streams} streams not checked: Redis counts entries from version 7 on',

  // Why a store is unavailable
  STORE_ERROR: '{error}',
} as const;

/** What an operator should do about an exception of the audit. */
export const auditAdvice = {
  ENTRIES_MISSING:
    'does a program run XDEL or XTRIM on the stream, or did PostgreSQL lose commits? Find the buyers in the records of the seller, then: weir audit --accept {stream}',
  ENTRIES_SURPLUS: 'there are more entries than were added: see docs/monitoring.md#audit',
  STREAM_RESTARTED:
    'find the buyers in the records of the seller, make Redis durable (weir doctor), then: weir audit --accept {stream}',
  STREAM_RESTARTED_WITH_LOSS:
    'find the buyers in the records of the seller, make Redis durable (weir doctor), then: weir audit --accept {stream}',
  INSTANCES_OVER_STOCK: 'was a row written by hand? Find the buyers who are owed a refund',
  INSTANCES_OVER_LIMIT: 'was a row written by hand? Find the buyers who are owed a refund',
  UNITS_MISSING: 'entries were removed from the stream before they were read: the listed buyers have nothing',
  UNITS_LOST:
    'make Redis durable (weir doctor), let the buyers buy again, then: weir audit --accept {stream}',
  ENTRY_LOST: 'let the user buy again; `weir sale add` adds stock',
  STOCK_DIFFERS: 'another program changed the counters of the sale',
  RESTOCKS_LOST: 'Redis lost some of them: `weir sale restock` restocks them again',
  RESTOCKS_SURPLUS: 'another program changed the counters of the sale',
  ORDER_WITHOUT_INSTANCE:
    'send its payment callback again, or `weir orders paid`; was its row removed by hand?',
  ORDER_NOT_PAID: 'was the order or the instance changed by hand?',
  REFUND_MISSING: 'was its status changed by hand? Refund the order',
  REFUND_UNFOUNDED: 'stop the refund, or release the machine',
  RESTOCK_MISSING: 'was its status changed by hand? Add a unit to the sale',
  COMPENSATION_MISSING: 'was its status changed by hand?',
  RESULT_MISSING: 'does a process with the role settle run, and does it read the result queue? See /readyz',
  ROWS_CHANGED: 'weir audit --full counts again; publish missing ones with weir instances retry',
} as const satisfies Partial<Record<StatementCode, string>>;

/** What each sum of the audit compares. */
export const invariants = {
  entries: 'stream entries added = rows + parked + waiting',
  events: 'rows = events confirmed + waiting + parked',
  instances: 'rows = PROCESSING + SUCCESS + FAILED',
  orders: 'paid orders = their instances + late payments',
  refunds: 'failed order instances = refunds requested',
  restocked: 'failed sale instances = units to restock',
  'nothing owed': 'other failed instances = purchases without compensation',
  stock: 'stock = sold + remaining + restocked',
  units: 'units sold in Redis = instances + parked + waiting',
  returned: 'units restocked = units that the sales took back',
  unsettled: 'no instance is PROCESSING beyond its last deadline',
} as const;
