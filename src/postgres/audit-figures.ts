import type { AuditFigures, InstanceCount } from '../audit/audit.ts';
import type { Sql } from '../lib/sql.ts';

// Rows younger than this may have neighbours that are not committed yet: no statement of ours may run for 60 s.
const settledAge = "interval '2 minutes'";

interface CountRow {
  source: string;
  scope: string;
  known_order: boolean;
  status: string;
  rows: string;
}

/**
 * Rows ever, by source, scope, known order and status. What is old and terminal was counted once and stands in
 * audit_counts: only rows above the checkpoint are counted now, and the checkpoint then moves up to the first that is
 * young or still waited for (docs/decisions/0013). `full` counts everything again.
 */
export async function countInstances(sql: Sql, full: boolean): Promise<InstanceCount[]> {
  if (full) await forgetCounts(sql);
  const [checkpoint] = await sql.query<{ id: string }>(
    'SELECT instance_log_id::text AS id FROM audit_checkpoint FOR UPDATE',
  );
  const from = checkpoint?.id ?? '0';
  await countTheLateOnes(sql);
  const upTo = await findNextCheckpoint(sql, from);
  await keepCounts(sql, from, upTo);
  const rows = await sql.query<CountRow>(
    `SELECT source, scope, known_order, status, sum(rows)::text AS rows FROM (
       SELECT * FROM audit_counts
       UNION ALL (${countRows} WHERE id > $1 GROUP BY 1, 2, 3, 4)) AS counted
     GROUP BY 1, 2, 3, 4`,
    [upTo],
  );
  return rows.map(({ known_order: knownOrder, rows: count, ...row }) => ({
    ...row,
    knownOrder,
    rows: Number(count),
  }));
}

/** Whether the order is one of ours is asked for ORDER rows alone. */
const countRows = `SELECT source, scope,
    CASE source WHEN 'ORDER' THEN EXISTS (SELECT 1 FROM orders WHERE orders.id = source_id) ELSE FALSE END AS known_order,
    status, count(*) AS rows
  FROM instance_logs`;

async function forgetCounts(sql: Sql): Promise<void> {
  await sql.query('DELETE FROM audit_counts');
  await sql.query('DELETE FROM audit_open');
  await sql.query('INSERT INTO audit_counts SELECT * FROM audit_archived');
  await sql.query(
    "UPDATE audit_checkpoint SET instance_log_id = 0, paid_until = '-infinity', paid_orders = 0",
  );
}

/** Overdue rows that the checkpoint has passed, and that have become terminal since. */
async function countTheLateOnes(sql: Sql): Promise<void> {
  await sql.query(
    `WITH settled AS (
       DELETE FROM audit_open USING instance_logs
       WHERE audit_open.instance_id = instance_logs.instance_id AND status <> 'PROCESSING' RETURNING audit_open.instance_id
     ), counted AS (
       ${countRows} WHERE instance_id IN (SELECT instance_id FROM settled) GROUP BY 1, 2, 3, 4
     ), subtracted AS (
       UPDATE audit_counts SET rows = audit_counts.rows - moved.rows
       FROM (SELECT source, scope, known_order, sum(rows) AS rows FROM counted GROUP BY 1, 2, 3) AS moved
       WHERE audit_counts.source = moved.source AND audit_counts.scope = moved.scope
         AND audit_counts.known_order = moved.known_order AND audit_counts.status = 'PROCESSING'
     )
     INSERT INTO audit_counts SELECT * FROM counted
     ON CONFLICT (source, scope, known_order, status) DO UPDATE SET rows = audit_counts.rows + excluded.rows`,
  );
}

async function findNextCheckpoint(sql: Sql, from: string): Promise<string> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT coalesce((
       SELECT id - 1 FROM instance_logs WHERE id > $1 AND (created_at >= now() - ${settledAge}
         OR status = 'PROCESSING' AND NOT EXISTS (
           SELECT 1 FROM overdue WHERE overdue.instance_id = instance_logs.instance_id))
       ORDER BY id LIMIT 1),
       (SELECT max(id) FROM instance_logs WHERE id > $1), $1::bigint)::text AS id`,
    [from],
  );
  return row?.id ?? from;
}

async function keepCounts(sql: Sql, from: string, upTo: string): Promise<void> {
  if (upTo === from) return;
  await sql.query(
    `INSERT INTO audit_counts ${countRows} WHERE id > $1 AND id <= $2 GROUP BY 1, 2, 3, 4
     ON CONFLICT (source, scope, known_order, status) DO UPDATE SET rows = audit_counts.rows + excluded.rows`,
    [from, upTo],
  );
  await sql.query(
    `INSERT INTO audit_open SELECT instance_id FROM instance_logs
     WHERE id > $1 AND id <= $2 AND status = 'PROCESSING' ON CONFLICT DO NOTHING`,
    [from, upTo],
  );
  await sql.query('UPDATE audit_checkpoint SET instance_log_id = $1, audited_at = now()', [upTo]);
}

/** Orders of ours that were ever paid; as for instances, only what was paid since is counted. */
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

type Counted = Omit<AuditFigures, 'instances' | 'paidOrders' | 'streams' | 'sales' | 'waiting'> & {
  overdue: number;
  parked: number;
  giveBacks: number;
  refunds: number;
};

/** Everything that is small enough to be counted each time. */
export async function countTheRest(sql: Sql): Promise<Counted> {
  const [row] = await sql.query<Record<string, string>>(
    `SELECT (SELECT coalesce(sum(events), 0) FROM announced WHERE kind = 'CREATED') AS announced,
       (SELECT coalesce(sum(events), 0) FROM outbox WHERE kind = 'CREATED') AS waiting_events,
       (SELECT coalesce(sum(events), 0) FROM parked WHERE origin = 'OUTBOX' AND kind = 'CREATED' AND state <> 'REPLAYED')
         + (SELECT coalesce(sum(events), 0) FROM audit_discarded WHERE origin = 'OUTBOX') AS parked_events,
       (SELECT count(*) FROM overdue JOIN instance_logs USING (instance_id)
        WHERE due_at < now() - interval '10 minutes' AND status = 'PROCESSING' AND NOT EXISTS (
          SELECT 1 FROM parked WHERE origin = 'OUTBOX' AND parked.source = instance_logs.source
            AND parked.scope = instance_logs.scope AND parked.source_id = instance_logs.source_id
            AND state = 'PARKED')) AS stuck,
       (SELECT count(*) FROM overdue) AS overdue,
       (SELECT count(*) FROM parked WHERE state = 'PARKED') AS parked`,
  );
  const rows = await sql.query<{ kind: string; status: string; has_instance: boolean; count: string }>(
    `SELECT kind, status, instance_id IS NOT NULL AS has_instance, count(*)::text FROM compensations
     GROUP BY 1, 2, 3`,
  );
  const count = (wanted: (row: (typeof rows)[number]) => boolean) =>
    rows.reduce((sum, each) => (wanted(each) ? sum + Number(each.count) : sum), 0);
  const ofKind = (kind: string) => count((each) => each.kind === kind && each.has_instance);
  return {
    announced: Number(row?.announced),
    waitingEvents: Number(row?.waiting_events),
    parkedEvents: Number(row?.parked_events),
    stuck: Number(row?.stuck),
    overdue: Number(row?.overdue),
    parked: Number(row?.parked),
    refundsWithoutInstance: count((each) => !each.has_instance),
    compensations: {
      GIVE_BACK: ofKind('GIVE_BACK'),
      REFUND: ofKind('REFUND'),
      NOTHING: ofKind('NOTHING'),
    },
    giveBacks: count(({ kind, status }) => kind === 'GIVE_BACK' && status === 'REQUESTED'),
    refunds: count(({ kind, status }) => kind === 'REFUND' && status === 'REQUESTED'),
  };
}
