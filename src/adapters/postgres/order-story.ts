import type { Order } from '../../core/orders/order.ts';
import { buildOrderTimeline, type OrderFacts, type OrderStep } from '../../core/orders/order-timeline.ts';
import type { Sql } from '../../lib/sql.ts';

interface OrderStory {
  instanceId: string | undefined;
  timeline: OrderStep[];
}

/** Derived from rows that exist anyway: the path of a payment writes nothing for it. */
export async function readOrderStory(sql: Sql, order: Order): Promise<OrderStory> {
  const { id } = order;
  const [instance] = await sql.query<NonNullable<OrderFacts['instance']>>(
    `SELECT instance_id::text AS "instanceId", created_at AS "createdAt" FROM instance_logs
     WHERE source = 'ORDER' AND source_id = $1 AND scope = ''
     UNION ALL SELECT instance_id::text, created_at FROM archived_purchases
     WHERE source = 'ORDER' AND source_id = $1 AND scope = '' LIMIT 1`,
    [id],
  );
  const [row] = await sql.query<{ endedAt: Date | null }>(
    `SELECT coalesce(ended_at, CASE WHEN status IN ('CANCELLED', 'EXPIRED') THEN updated_at END) AS "endedAt"
     FROM orders WHERE id = $1`,
    [id],
  );
  const facts = {
    ...{ order, instance, endedAt: row?.endedAt ?? undefined },
    acts: await sql.query<OrderFacts['acts'][number]>(
      `SELECT at, action, actor, after->>'reason' AS reason FROM activity
       WHERE subject_id = $1 AND subject_kind = 'order' ORDER BY at, id LIMIT 100`,
      [id],
    ),
    payments: await sql.query<OrderFacts['payments'][number]>(
      `SELECT payment_id AS "paymentId", webhook_id AS "webhookId", amount_cents::text AS "amountCents",
         recorded_at AS "recordedAt", outcome FROM payments WHERE order_id = $1 ORDER BY recorded_at, payment_key LIMIT 100`,
      [id],
    ),
    parked: await sql.query<OrderFacts['parked'][number]>(
      // Joined through the payments, whose key is the scope: no index of parked items begins with the
      // source id.
      `SELECT parked.id::text, reason, parked_at AS "parkedAt", state, resolved_at AS "resolvedAt", resolved_by AS "resolvedBy",
         resolution_params->>'note' AS note, instance_id::text AS "instanceId" FROM payments JOIN parked
         ON origin = 'PAYMENT' AND source = 'ORDER' AND scope = payment_key AND source_id = order_id
       WHERE order_id = $1 ORDER BY parked.id LIMIT 100`,
      [id],
    ),
    refunds: await sql.query<OrderFacts['refunds'][number]>(
      `SELECT scope, instance_id::text AS "instanceId", payment_id AS "paymentId", amount_cents::text AS "amountCents", reason,
         requests, created_at AS "requestedAt", done_at AS "refundedAt" FROM compensations
       WHERE kind = 'REFUND' AND source = 'ORDER' AND source_id = $1 ORDER BY compensations.id LIMIT 100`,
      [id],
    ),
    again: instance
      ? await sql.query<OrderFacts['again'][number]>(
          `SELECT at, actor FROM instance_history WHERE instance_id = $1 AND what = 'REFUND_REQUESTED_AGAIN'
           ORDER BY id LIMIT 100`,
          [instance.instanceId],
        )
      : [],
  };
  return { instanceId: instance?.instanceId, timeline: buildOrderTimeline(facts) };
}
