import type { Source } from '../../core/instance/purchase.ts';
import {
  isNamed,
  isSamePayment,
  nameOfPayment,
  type Payment,
  paymentKey,
} from '../../core/orders/payment.ts';
import type {
  OrderPayment,
  ParkedPayment,
  PaymentBook,
  PaymentOutcome,
  PaymentResult,
  RecordedPayment,
  ReturnedPayment,
  UnfitPayment,
} from '../../core/orders/payment-book.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { compensate } from './compensations.ts';
import { parkItems } from './parked.ts';
import { findRefund, requestRefund } from './refunds.ts';

/**
 * An id from the instance id generator that no instance has: the message id of a refund without an
 * instance.
 */
type TakeRequestId = () => Promise<bigint>;

export function postgresPayments(database: Database, takeRequestId: TakeRequestId): PaymentBook {
  return {
    findPayments: (orderId) => findPayments(database, orderId),
    async settleRepeat(paid) {
      const requestId = await takeRequestId();
      return inOrder(database, paid, (context) => settleRepeat(context, paid, requestId));
    },
    async returnLate(paid) {
      const requestId = await takeRequestId();
      return inOrder(database, paid, (context) => returnLate(context, paid, requestId));
    },
    park: (paid) => inOrder(database, paid, (context) => park(context, paid)),
  };
}

interface PaymentRow extends RecordedPayment {
  key: string;
  refundScope: string | undefined;
}

/** What is known about a payment before it is handled. */
interface PaymentContext {
  sql: Sql;
  /** All recorded payments of its order. */
  recorded: readonly PaymentRow[];
  /** This payment was parked before. */
  wasParked: boolean;
  key: string;
}

/**
 * Handles one payment of an order at a time. A payment that was handled before gets the same answer again.
 */
async function inOrder(
  database: Database,
  { orderId, payment }: OrderPayment,
  work: (context: PaymentContext) => Promise<PaymentResult>,
): Promise<PaymentResult> {
  return database.transaction(async (sql) => {
    // Held until the end of the transaction; no other lock uses the first number.
    await sql.query('SELECT pg_advisory_xact_lock(7306108, hashtext($1))', [orderId]);
    const recorded = await findPayments(sql, orderId);
    const same = recorded.find((each) => isSamePayment(each, payment));
    if (same?.outcome === 'INSTANCE') return { kind: 'instance' };
    if (same?.outcome === 'DISCARDED') return answerParked(sql, orderId, same.key, false);
    if (same?.refundScope !== undefined) return answerRefund(sql, orderId, same.refundScope);
    return work({ sql, recorded, wasParked: same !== undefined, key: same?.key ?? paymentKey(payment) });
  });
}

/**
 * When the payment of the instance did not name itself (a manual callback, or one from before payments were
 * recorded), the first payment that does is taken to be the same. Every other payment is returned.
 */
async function settleRepeat(
  context: PaymentContext,
  paid: ReturnedPayment,
  requestId: bigint,
): Promise<PaymentResult> {
  const isSecond = context.recorded.some((each) => each.outcome === 'INSTANCE' && isNamed(each));
  if (isSecond) return returnSecond(context, paid, requestId);
  await record(context, paid, 'INSTANCE');
  return { kind: 'instance' };
}

/**
 * The order's own refund is for its first payment. A payment that did not name itself may be the same as
 * any named one that follows.
 */
async function returnLate(
  context: PaymentContext,
  paid: ReturnedPayment,
  requestId: bigint,
): Promise<PaymentResult> {
  const { sql, recorded, wasParked } = context;
  const { orderId, payment } = paid;
  const paymentId = nameOfPayment(payment);
  const isFirst = await requestRefund(sql, { ...paid, paymentId, requestId });
  const holder = recorded.find(({ refundScope }) => refundScope === '');
  if (!isFirst && holder && isNamed(holder) && isNamed(payment))
    return returnSecond(context, paid, requestId);
  if (holder && isNamed(payment)) {
    await sql.query('DELETE FROM payments WHERE order_id = $1 AND payment_key = $2', [orderId, holder.key]);
  }
  if (isFirst || isNamed(payment) || wasParked) await record(context, paid, 'REFUND', '');
  return answerRefund(sql, orderId, '');
}

/**
 * A payment that the order does not owe, with a compensation of its own: its scope is the payment's key.
 */
async function returnSecond(
  context: PaymentContext,
  paid: ReturnedPayment,
  requestId: bigint,
): Promise<PaymentResult> {
  const { orderId, payment, productId, userId, amountCents } = paid;
  await record(context, paid, 'REFUND', context.key);
  failpoint('before-refund-request');
  await compensate(context.sql, [
    {
      ...{ kind: 'REFUND', source: 'ORDER' as Source, sourceId: orderId, scope: context.key },
      ...{ productId, userId, instanceId: undefined, requestId, amountCents },
      ...{ paymentId: nameOfPayment(payment), reason: 'FURTHER_PAYMENT' },
    },
  ]);
  return answerRefund(context.sql, orderId, context.key);
}

async function park(context: PaymentContext, paid: UnfitPayment): Promise<PaymentResult> {
  const { sql, key, wasParked } = context;
  const { orderId, payment, reason, detail, params, original } = paid;
  if (!wasParked) {
    await record(context, paid, 'PARKED');
    const messageId = payment.webhookId ?? '';
    const item = { origin: 'PAYMENT' as const, source: 'ORDER', scope: key, sourceId: orderId, messageId };
    await parkItems(sql, [{ ...item, reason, detail, params, original }]);
  }
  return answerParked(sql, orderId, key, !wasParked);
}

/** A payment that was parked moves on under the same key. */
async function record(
  { sql, key }: PaymentContext,
  { orderId, payment }: OrderPayment,
  outcome: PaymentOutcome,
  refundScope?: string,
): Promise<void> {
  await sql.query(
    `INSERT INTO payments (order_id, payment_key, payment_id, webhook_id, amount_cents, paid_at, outcome, refund_scope)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (order_id, payment_key) DO UPDATE SET outcome = excluded.outcome, refund_scope = excluded.refund_scope
     WHERE payments.outcome = 'PARKED'`,
    [
      orderId,
      key,
      payment.paymentId ?? null,
      payment.webhookId ?? null,
      payment.amountCents?.toString() ?? null,
      payment.paidAt ?? null,
      outcome,
      refundScope ?? null,
    ],
  );
}

async function answerRefund(sql: Sql, orderId: string, scope: string): Promise<PaymentResult> {
  const refund = await findRefund(sql, orderId, scope);
  if (!refund) throw new Error(`the refund of order ${orderId} is not on record`);
  return { kind: 'refund', refund };
}

async function answerParked(sql: Sql, orderId: string, key: string, isNew: boolean): Promise<PaymentResult> {
  const [row] = await sql.query<ParkedPayment>(
    `SELECT source_id AS "orderId", id::text AS "parkedId", reason, state FROM parked
     WHERE origin = 'PAYMENT' AND source = 'ORDER' AND scope = $1 AND source_id = $2`,
    [key, orderId],
  );
  // The item was removed (cleaning.parkedAfterMs) after it was resolved.
  const item = row ?? { orderId, parkedId: '0', reason: 'NOTHING_TO_REPLAY', state: 'DISCARDED' };
  return { kind: 'parked', item, isNew };
}

interface FoundRow {
  key: string;
  payment_id: string | null;
  webhook_id: string | null;
  amount_cents: string | null;
  paid_at: Date | null;
  recorded_at: Date;
  outcome: PaymentOutcome;
  refund_scope: string | null;
  refunded_at: Date | null;
}

async function findPayments(sql: Sql, orderId: string): Promise<PaymentRow[]> {
  const rows = await sql.query<FoundRow>(
    `SELECT payment_key AS key, payments.payment_id, webhook_id, payments.amount_cents::text, paid_at, recorded_at,
       payments.outcome, refund_scope, compensations.done_at AS refunded_at
     FROM payments LEFT JOIN compensations ON compensations.source = 'ORDER' AND compensations.source_id = order_id
       AND compensations.scope = refund_scope
     WHERE order_id = $1 ORDER BY recorded_at, payment_key`,
    [orderId],
  );
  return rows.map((row) => ({ ...toPayment(row), ...toRecord(row) }));
}

function toPayment(row: FoundRow): Payment {
  return {
    ...(row.payment_id === null ? {} : { paymentId: row.payment_id }),
    ...(row.webhook_id === null ? {} : { webhookId: row.webhook_id }),
    ...(row.amount_cents === null ? {} : { amountCents: BigInt(row.amount_cents) }),
    ...(row.paid_at === null ? {} : { paidAt: row.paid_at }),
  };
}

function toRecord({ key, recorded_at, outcome, refund_scope, refunded_at }: FoundRow) {
  return {
    key,
    recordedAt: recorded_at,
    outcome,
    refundScope: refund_scope ?? undefined,
    refundedAt: refunded_at ?? undefined,
  };
}
