import type { Compensation } from '../../core/compensation/compensation.ts';
import { type Sql, textArray } from '../../lib/sql.ts';

interface PaidRow {
  order_id: string;
  name: string | null;
  amount_cents: string | null;
}

/**
 * Adds to each refund of a failed instance the amount and the id of the payment that the instance was
 * created for, where known.
 */
export async function nameRefundedPayments(
  sql: Sql,
  owed: readonly Compensation[],
): Promise<readonly Compensation[]> {
  const isOpen = ({ kind, instanceId }: Compensation) => kind === 'REFUND' && instanceId !== undefined;
  const orderIds = owed.filter(isOpen).map(({ sourceId }) => sourceId);
  if (orderIds.length === 0) return owed;
  const rows = await sql.query<PaidRow>(
    `SELECT order_id, coalesce(payment_id, webhook_id) AS name, amount_cents::text FROM payments
     WHERE order_id = ANY ($1::text[]) AND outcome = 'INSTANCE' ORDER BY payment_key`,
    [textArray(orderIds)],
  );
  const paid = new Map(rows.map((row) => [row.order_id, row]));
  return owed.map((each) => {
    const found = isOpen(each) ? paid.get(each.sourceId) : undefined;
    if (!found) return each;
    const amountCents = found.amount_cents === null ? each.amountCents : BigInt(found.amount_cents);
    return { ...each, paymentId: found.name ?? undefined, amountCents };
  });
}
