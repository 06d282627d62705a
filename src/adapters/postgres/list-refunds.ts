import type { OpenRefund } from '../../core/orders/order.ts';
import type { Database } from '../../lib/sql.ts';
import { planByIndex } from './plan-by-index.ts';

/** A refund that was requested and not reported, of any order; GET /v1/now counts the same. */
export const isOpenRefund = "kind = 'REFUND' AND status = 'REQUESTED'";

type Row = Omit<OpenRefund, 'paymentId' | 'amountCents' | 'instanceId'> &
  Record<'paymentId' | 'amountCents' | 'instanceId', string | null>;

/** Also finds archived instances. A further payment has a refund although the order has its instance. */
const instanceOf = `coalesce(instance_id,
  (SELECT instance_id FROM instance_logs WHERE source = 'ORDER' AND source_id = "orderId" AND scope = ''),
  (SELECT instance_id FROM archived_purchases WHERE source = 'ORDER' AND source_id = "orderId" AND scope = '')
)::text AS "instanceId"`;

/**
 * Open refunds, newest first, below the id `before`; with `orderId` those of one order. Reads only open ones,
 * and not EXISTS, for which the planner would read all orders (test/contract/list-orders-plans.test.ts).
 */
export async function listOpenRefunds(
  database: Database,
  orderId: string | undefined,
  limit: number,
  before: string | undefined,
): Promise<OpenRefund[]> {
  const values: unknown[] = [limit, before ?? '9223372036854775807'];
  // OFFSET 0 keeps the planner from reading all open refunds for those of one order.
  const from =
    orderId === undefined
      ? 'compensations'
      : `(SELECT * FROM compensations WHERE source = 'ORDER' AND source_id = $${values.push(orderId)} OFFSET 0) AS compensations`;
  const rows = await database.transaction(async (sql) => {
    await planByIndex(sql);
    return sql.query<Row>(
      `SELECT id::text, "orderId", product_id::text AS "productId", user_id::text AS "userId", payment_id AS "paymentId",
         amount_cents::text AS "amountCents", reason, requests, created_at AS "requestedAt", ${instanceOf},
         (SELECT TRUE FROM orders WHERE orders.id = "orderId") IS NOT NULL AS "isOrderKnown"
       FROM (SELECT *, source_id AS "orderId" FROM ${from} WHERE ${isOpenRefund} AND id < $2::bigint
         ORDER BY compensations.id DESC LIMIT $1) AS page ORDER BY page.id DESC`,
      values,
    );
  });
  return rows.map(({ paymentId, amountCents, instanceId, ...row }) => ({
    ...row,
    ...{ paymentId: paymentId ?? undefined, instanceId: instanceId ?? undefined },
    amountCents: amountCents ?? undefined,
  }));
}
