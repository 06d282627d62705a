import type { Source } from '../instance/purchase.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Database } from '../lib/sql.ts';
import type { Order, Refund } from '../orders/order.ts';
import { compensate } from './compensations.ts';

/**
 * A payment that came for an order which can no longer become an instance: the order asks for its refund, once however
 * often the payment is reported. `requestId`: an id of ours that no instance has.
 */
export async function requestRefund(database: Database, order: Order, requestId: bigint): Promise<void> {
  await database.transaction(async (sql) => {
    const moved = await sql.query<{ status: string }>(
      `UPDATE orders SET status = 'REFUND_REQUESTED', paid_at = now(), updated_at = now()
       FROM (SELECT id, status FROM orders WHERE id = $1 FOR UPDATE) AS before
       WHERE orders.id = before.id AND before.status IN ('CANCELLED', 'EXPIRED') RETURNING before.status`,
      [order.id],
    );
    const [before] = moved;
    if (!before) return;
    failpoint('before-refund-request');
    await compensate(sql, [
      {
        kind: 'REFUND',
        source: 'ORDER' as Source,
        sourceId: order.id,
        scope: '',
        productId: order.productId,
        userId: order.userId,
        instanceId: undefined,
        requestId,
        amountCents: order.amountCents,
        reason: `paid after the order was ${before.status}`,
      },
    ]);
  });
}

interface RefundRow {
  order_id: string;
  amount_cents: string | null;
  reason: string;
  created_at: Date;
  done_at: Date | null;
  is_first: boolean;
}

/**
 * The money has gone back. @returns undefined when no refund was asked for; `first` is false for a repeat
 */
export async function recordRefund(
  database: Database,
  orderId: string,
): Promise<{ first: boolean; refund: Refund } | undefined> {
  return database.transaction(async (sql) => {
    const done = await sql.query(
      `UPDATE compensations SET status = 'DONE', outcome = 'REFUNDED', done_at = now()
       WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1 AND scope = '' AND status = 'REQUESTED'
       RETURNING id`,
      [orderId],
    );
    await sql.query(
      `UPDATE orders SET status = 'REFUNDED', updated_at = now() WHERE id = $1 AND status = 'REFUND_REQUESTED'
         AND EXISTS (SELECT 1 FROM compensations WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1
           AND status = 'DONE')`,
      [orderId],
    );
    const [row] = await sql.query<RefundRow>(
      `SELECT source_id AS order_id, amount_cents::text, reason, created_at, done_at FROM compensations
       WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1 AND scope = ''`,
      [orderId],
    );
    return row && { first: done.length > 0, refund: toRefund(row) };
  });
}

function toRefund(row: RefundRow): Refund {
  return {
    orderId: row.order_id,
    amountCents: row.amount_cents === null ? undefined : BigInt(row.amount_cents),
    reason: row.reason,
    requestedAt: row.created_at,
    refundedAt: row.done_at ?? undefined,
  };
}
