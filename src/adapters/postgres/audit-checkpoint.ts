import type { Sql } from '../../lib/sql.ts';
import { addTimes, moveSettledTimes } from './counted-times.ts';
import { lastIssued } from './last-issued.ts';

// Rows with a lower id may still be uncommitted while a row is younger than this; no statement of Weir may
// run for more than 60 s.
export const settledAge = "interval '2 minutes'";

/** How many ids one commit of advanceCheckpoint covers at most. */
const idsPerStep = 500_000n;

/**
 * Old terminal rows are counted once, into audit_counts. The checkpoint moves up to the first row that is
 * young or still PROCESSING (docs/decisions/0013), in steps with a commit each, so that the first audit of
 * a large table makes progress.
 *
 * @returns whether rows are left to pass
 */
export async function advanceCheckpoint(sql: Sql): Promise<boolean> {
  const [checkpoint] = await sql.query<{ id: string }>(
    'SELECT instance_log_id::text AS id FROM audit_checkpoint FOR UPDATE',
  );
  const [sequence] = await sql.query<{ last: string }>(
    `SELECT ${lastIssued('instance_logs_id_seq')}::text AS last`,
  );
  const last = BigInt(sequence?.last ?? 0);
  let from = BigInt(checkpoint?.id ?? 0);
  if (from > last) {
    // The sequence went back (a restore, a cutover): new rows get ids below the checkpoint and would never
    // be counted.
    await forgetCounts(sql);
    from = 0n;
  }
  await countNewlySettled(sql);
  const step = from + idsPerStep;
  const upTo = await findNextCheckpoint(sql, from, step < last ? step : last);
  await addCounts(sql, from, upTo);
  return upTo === step;
}

/** Rows of instance_logs up to this id are in audit_counts. */
export async function readCheckpoint(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ id: string }>('SELECT instance_log_id::text AS id FROM audit_checkpoint');
  return row?.id ?? '0';
}

/** Only rows of source ORDER are looked up in orders. */
const knownOrder =
  "CASE source WHEN 'ORDER' THEN EXISTS (SELECT 1 FROM orders WHERE orders.id = source_id) ELSE FALSE END";
export const countRows = `SELECT source, scope, ${knownOrder} AS known_order, status, count(*) AS rows FROM instance_logs`;

/** Makes the next audit count everything again. */
export async function forgetCounts(sql: Sql): Promise<void> {
  // Archiving takes the same lock: a row that it is moving is in audit_archived before this reads that
  // table.
  await sql.query('SELECT 1 FROM audit_checkpoint FOR UPDATE');
  await sql.query('DELETE FROM audit_counts');
  await sql.query('DELETE FROM audit_open');
  await sql.query('DELETE FROM counted_times');
  await sql.query('INSERT INTO audit_counts SELECT * FROM audit_archived');
  await sql.query(
    "UPDATE audit_checkpoint SET instance_log_id = 0, paid_until = '-infinity', paid_orders = 0",
  );
}

/** Rows that were still PROCESSING when the checkpoint passed them, and are terminal now. */
async function countNewlySettled(sql: Sql): Promise<void> {
  // By id, and only when there are any: a join of the two tables would scan all of instance_logs.
  const open = await sql.query<{ instance_id: string }>('SELECT instance_id::text FROM audit_open');
  if (open.length === 0) return;
  const settled = await sql.query<{ instance_id: string }>(
    "SELECT instance_id::text FROM instance_logs WHERE instance_id = ANY ($1::bigint[]) AND status <> 'PROCESSING'",
    [idsOf(open)],
  );
  if (settled.length === 0) return;
  await moveSettledTimes(sql, idsOf(settled));
  await sql.query(
    `WITH closed AS (
       DELETE FROM audit_open WHERE instance_id = ANY ($1::bigint[])
     ), counted AS (
       ${countRows} WHERE instance_id = ANY ($1::bigint[]) GROUP BY 1, 2, 3, 4
     ), subtracted AS (
       UPDATE audit_counts SET rows = audit_counts.rows - moved.rows
       FROM (SELECT source, scope, known_order, sum(rows) AS rows FROM counted GROUP BY 1, 2, 3) AS moved
       WHERE audit_counts.source = moved.source AND audit_counts.scope = moved.scope
         AND audit_counts.known_order = moved.known_order AND audit_counts.status = 'PROCESSING'
     )
     INSERT INTO audit_counts SELECT * FROM counted
     ON CONFLICT (source, scope, known_order, status) DO UPDATE SET rows = audit_counts.rows + excluded.rows`,
    [idsOf(settled)],
  );
}

function idsOf(rows: readonly { instance_id: string }[]): string {
  return `{${rows.map(({ instance_id }) => instance_id).join(',')}}`;
}

/**
 * A row without a time, or dated in the future, does not stop the checkpoint: an old row with a higher id
 * proves that every lower id is committed. The checkpoint reaches `limit` itself when such a row follows
 * it.
 */
async function findNextCheckpoint(sql: Sql, from: bigint, limit: bigint): Promise<bigint> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT coalesce((
       SELECT id - 1 FROM instance_logs WHERE id > $1 AND id <= $2
         AND (created_at >= now() - ${settledAge} AND created_at <= now() + ${settledAge}
           OR status = 'PROCESSING' AND NOT EXISTS (
             SELECT 1 FROM overdue WHERE overdue.instance_id = instance_logs.instance_id))
       ORDER BY id LIMIT 1),
       (SELECT $2::bigint FROM (SELECT created_at FROM instance_logs WHERE id > $2 ORDER BY id LIMIT 1) AS next
        WHERE created_at < now() - ${settledAge}),
       (SELECT max(id) FROM instance_logs WHERE id > $1 AND id <= $2 AND created_at < now() - ${settledAge}),
       $1::bigint)::text AS id`,
    [from.toString(), limit.toString()],
  );
  return BigInt(row?.id ?? from);
}

/**
 * One statement, so that a row that is settled meanwhile has the same status in every table that is written
 * here.
 */
async function addCounts(sql: Sql, from: bigint, upTo: bigint): Promise<void> {
  if (upTo === from) return;
  await sql.query(
    `WITH passed AS MATERIALIZED (
       SELECT source, scope, known_order, status, minute, count(*) AS rows,
         array_agg(instance_id) FILTER (WHERE status = 'PROCESSING') AS open
       FROM (SELECT source, scope, ${knownOrder} AS known_order, status, instance_id,
           date_bin('1 minute', created_at, 'epoch') AS minute
         FROM instance_logs WHERE id > $1 AND id <= $2) AS row
       GROUP BY 1, 2, 3, 4, 5
     ), counts AS (
       INSERT INTO audit_counts SELECT source, scope, known_order, status, sum(rows) FROM passed GROUP BY 1, 2, 3, 4
       ON CONFLICT (source, scope, known_order, status) DO UPDATE SET rows = audit_counts.rows + excluded.rows
     ), opened AS (
       INSERT INTO audit_open SELECT unnest(open) FROM passed ON CONFLICT DO NOTHING
     ), ${addTimes('passed')}
     UPDATE audit_checkpoint SET instance_log_id = $2, audited_at = now()`,
    [from.toString(), upTo.toString()],
  );
}
