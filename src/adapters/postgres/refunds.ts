import type { ProductId, Source, SourceId, UserId } from '../../core/instance/purchase.ts';
import type { Refund, RefundOperator } from '../../core/orders/order.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { compensate } from './compensations.ts';

interface LatePayment {
  orderId: SourceId;
  productId: ProductId;
  userId: UserId;
  amountCents: bigint | undefined;
  /** The payer's id of the payment, if it named one. */
  paymentId: string | undefined;
  /** An id from the instance id generator that no instance has. */
  requestId: bigint;
}

/**
 * Requests the refund of a payment whose order can no longer become an instance, once however often the
 * payment is reported. @returns false when the order's refund was requested before
 */
export async function requestRefund(sql: Sql, late: LatePayment): Promise<boolean> {
  const { orderId, productId, userId, amountCents, paymentId, requestId } = late;
  const [before] = await sql.query<{ status: string }>(
    `UPDATE orders SET status = 'REFUND_REQUESTED', paid_at = now(), updated_at = now()
     FROM (SELECT id, status FROM orders WHERE id = $1 FOR UPDATE) AS before
     WHERE orders.id = before.id AND before.status IN ('CANCELLED', 'EXPIRED') RETURNING before.status`,
    [orderId],
  );
  if (!before) return false;
  failpoint('before-refund-request');
  await compensate(sql, [
    {
      ...{ kind: 'REFUND', source: 'ORDER' as Source, sourceId: orderId, scope: '', productId, userId },
      ...{ instanceId: undefined, requestId, amountCents, paymentId },
      reason: `ORDER_${before.status}`,
    },
  ]);
  return true;
}

interface RefundRow {
  order_id: string;
  payment_id: string | null;
  amount_cents: string | null;
  reason: string;
  created_at: Date;
  done_at: Date | null;
  scope: string;
}

/**
 * Records that the money was returned. `paymentId`: the payment that the refund request named; needed only
 * for a further payment. `operator`: who reports it and why; undefined for the payment system.
 *
 * @returns undefined when no such refund was requested; `first` is false for a repeat
 */
export async function recordRefund(
  database: Database,
  orderId: string,
  paymentId?: string,
  operator?: RefundOperator,
): Promise<{ first: boolean; refund: Refund } | undefined> {
  return database.transaction(async (sql) => {
    const scope = chooseRefund(await findRefunds(sql, orderId), paymentId)?.scope;
    if (scope === undefined) return undefined;
    const done = await sql.query(
      `UPDATE compensations SET status = 'DONE', outcome = 'REFUNDED', done_at = now()
       WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1 AND scope = $2 AND status = 'REQUESTED'
       RETURNING id`,
      [orderId, scope],
    );
    await sql.query(
      `UPDATE orders SET status = 'REFUNDED', updated_at = now() WHERE id = $1 AND status = 'REFUND_REQUESTED'
         AND EXISTS (SELECT 1 FROM compensations WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1
           AND scope = '' AND status = 'DONE')`,
      [orderId],
    );
    const refund = await findRefund(sql, orderId, scope);
    if (operator && refund && done.length > 0) {
      const after = { refundedAt: refund.refundedAt, paymentId, reason: operator.reason };
      const change = { before: { refundedAt: null }, after };
      await recordActivity(sql, operator.actor, { action: 'ORDER_REFUNDED', subjectId: orderId, ...change });
    }
    return refund && { first: done.length > 0, refund };
  });
}

/** The refund of a payment that did not name itself is accepted under any payment id. */
function chooseRefund(refunds: readonly RefundRow[], paymentId: string | undefined): RefundRow | undefined {
  const own = refunds.find(({ scope }) => scope === '');
  if (paymentId === undefined) return own ?? (refunds.length === 1 ? refunds[0] : undefined);
  return (
    refunds.find((each) => each.payment_id === paymentId) ?? (own?.payment_id === null ? own : undefined)
  );
}

/** `scope`: '' for the order's own refund, otherwise the key of a further payment. */
export async function findRefund(sql: Sql, orderId: string, scope: string): Promise<Refund | undefined> {
  const refunds = await findRefunds(sql, orderId);
  const row = refunds.find((each) => each.scope === scope);
  return row && toRefund(row);
}

function findRefunds(sql: Sql, orderId: string): Promise<RefundRow[]> {
  return sql.query<RefundRow>(
    `SELECT source_id AS order_id, payment_id, amount_cents::text, reason, created_at, done_at, scope
     FROM compensations WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1 ORDER BY scope`,
    [orderId],
  );
}

function toRefund(row: RefundRow): Refund {
  return {
    orderId: row.order_id,
    paymentId: row.payment_id ?? undefined,
    amountCents: row.amount_cents === null ? undefined : BigInt(row.amount_cents),
    reason: row.reason,
    requestedAt: row.created_at,
    refundedAt: row.done_at ?? undefined,
  };
}
