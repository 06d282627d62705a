import type { Sql } from '../../lib/sql.ts';
import type { AuditFigures, InstanceCount, RestockedCount } from '../../ops/audit/audit-figures.ts';
import { countRows, readCheckpoint, settledAge } from './audit-checkpoint.ts';

interface CountRow {
  source: string;
  scope: string;
  known_order: boolean;
  status: string;
  rows: string;
}

/**
 * All rows ever written, by source, scope, known order and status: audit_counts plus the rows above the
 * checkpoint. Needs a transaction because it uses SET LOCAL.
 */
export async function countInstances(sql: Sql): Promise<InstanceCount[]> {
  const checkpoint = await readCheckpoint(sql);
  // Few rows are above the checkpoint. Without fresh statistics the planner expects a third of the table
  // and would scan all of it.
  await sql.query('SET LOCAL enable_seqscan = off');
  const rows = await sql.query<CountRow>(
    `SELECT source, scope, known_order, status, sum(rows)::text AS rows FROM (
       SELECT * FROM audit_counts
       UNION ALL (${countRows} WHERE id > $1 GROUP BY 1, 2, 3, 4)) AS counted GROUP BY 1, 2, 3, 4`,
    [checkpoint],
  );
  await sql.query('SET LOCAL enable_seqscan = on');
  return rows.map(({ known_order: knownOrder, rows: count, ...row }) => ({
    ...row,
    knownOrder,
    rows: Number(count),
  }));
}

/**
 * Known orders that were ever paid. As for instances, only orders paid since the last audit are counted.
 */
export async function countPaidOrders(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ paid: string }>(
    `WITH counted AS (
       SELECT count(*) FILTER (WHERE orders.paid_at < now() - ${settledAge}) AS old, count(*) AS paid
       FROM orders, audit_checkpoint WHERE orders.paid_at >= audit_checkpoint.paid_until
     ), before AS (
       SELECT paid_orders FROM audit_checkpoint
     ), kept AS (
       UPDATE audit_checkpoint SET paid_orders = paid_orders + counted.old,
         paid_until = greatest(paid_until, now() - ${settledAge})
       FROM counted
     )
     SELECT (before.paid_orders + counted.paid)::text AS paid FROM counted, before`,
  );
  return Number(row?.paid ?? 0);
}

type Counted = Omit<
  AuditFigures,
  'instances' | 'paidOrders' | 'streams' | 'sales' | 'units' | 'restocked' | 'waiting'
> & {
  overdue: number;
  parked: number;
  restocks: number;
  refunds: number;
};

/** Figures that are small enough to be counted each time. */
export async function countWaiting(sql: Sql): Promise<Counted> {
  const [row] = await sql.query<Record<string, string>>(
    `SELECT (SELECT coalesce(sum(events), 0) FROM published WHERE kind = 'CREATED') AS published,
       (SELECT coalesce(sum(events), 0) FROM outbox WHERE kind = 'CREATED') AS waiting_events,
       (SELECT coalesce(sum(events), 0) FROM parked WHERE origin = 'OUTBOX' AND kind = 'CREATED' AND state <> 'REPLAYED')
         + (SELECT coalesce(sum(events), 0) FROM audit_discarded WHERE origin = 'OUTBOX') AS parked_events,
       (SELECT count(*) FROM overdue JOIN instance_logs USING (instance_id)
        WHERE due_at < now() - interval '10 minutes' AND status = 'PROCESSING' AND NOT EXISTS (
          SELECT 1 FROM parked WHERE origin = 'OUTBOX' AND parked.source = instance_logs.source
            AND parked.scope = instance_logs.scope AND parked.source_id = instance_logs.source_id
            AND state = 'PARKED' OR origin = 'DEAD_LETTER' AND parked.instance_id = overdue.instance_id
            AND state = 'PARKED')) AS unsettled,
       (SELECT count(*) FROM overdue JOIN instance_logs USING (instance_id) WHERE status = 'PROCESSING') AS overdue,
       (SELECT count(*) FROM parked WHERE state = 'PARKED') AS parked`,
  );
  const rows = await sql.query<{
    kind: string;
    status: string;
    has_instance: boolean;
    is_further: boolean;
    count: string;
  }>(
    `SELECT kind, status, instance_id IS NOT NULL AS has_instance, scope <> '' AND source = 'ORDER' AS is_further,
       count(*)::text FROM compensations GROUP BY 1, 2, 3, 4`,
  );
  const count = (wanted: (row: (typeof rows)[number]) => boolean) =>
    rows.reduce((sum, each) => (wanted(each) ? sum + Number(each.count) : sum), 0);
  const ofKind = (kind: string) => count((each) => each.kind === kind && each.has_instance);
  return {
    published: Number(row?.published),
    waitingEvents: Number(row?.waiting_events),
    parkedEvents: Number(row?.parked_events),
    unsettled: Number(row?.unsettled),
    overdue: Number(row?.overdue),
    parked: Number(row?.parked),
    // A further payment of an order is refunded independently of the order itself.
    refundsWithoutInstance: count((each) => !each.has_instance && !each.is_further),
    compensations: {
      RESTOCK: ofKind('RESTOCK'),
      REFUND: ofKind('REFUND'),
      NOTHING: ofKind('NOTHING'),
    },
    restocks: count(({ kind, status }) => kind === 'RESTOCK' && status === 'REQUESTED'),
    refunds: count(({ kind, status }) => kind === 'REFUND' && status === 'REQUESTED'),
  };
}

/** Units by stream. `since`: before the sales were read. */
export async function countRestocked(sql: Sql, since: Date): Promise<RestockedCount[]> {
  const rows = await sql.query<{ stream: string; done_before: string; owed: string }>(
    `SELECT scope AS stream, count(*) FILTER (WHERE outcome = 'RESTOCKED' AND done_at < $1)::text AS done_before,
       count(*)::text AS owed
     FROM compensations WHERE kind = 'RESTOCK' GROUP BY 1`,
    [since],
  );
  return rows.map(({ stream, done_before, owed }) => ({
    stream,
    doneBefore: Number(done_before),
    owed: Number(owed),
  }));
}
