import type { Sql } from '../../lib/sql.ts';

const rowsPerStep = 1_000;

/**
 * Removes parked items that were resolved this long ago; the audit continues to count discarded ones.
 * @returns how many were removed
 */
export async function removeResolvedItems(sql: Sql, olderThanMs: number): Promise<number> {
  const [row] = await sql.query<{ removed: number }>(
    `WITH old AS (
       SELECT id FROM parked WHERE resolved_at < now() - make_interval(secs => $1 / 1000.0)
       ORDER BY resolved_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ), removed AS (
       DELETE FROM parked USING old WHERE parked.id = old.id RETURNING parked.*
     ), counted AS (
       INSERT INTO audit_discarded (origin, scope, events)
       SELECT origin, CASE origin WHEN 'STREAM' THEN scope ELSE '' END, sum(events) FROM removed
       WHERE state = 'DISCARDED' AND (origin = 'OUTBOX' AND kind = 'CREATED' OR origin = 'STREAM' AND NOT EXISTS (
         SELECT 1 FROM instance_logs WHERE instance_logs.source = removed.source
           AND instance_logs.source_id = removed.source_id AND instance_logs.scope = removed.scope))
       GROUP BY 1, 2
       ON CONFLICT (origin, scope) DO UPDATE SET events = audit_discarded.events + excluded.events
     )
     SELECT count(*)::int AS removed FROM removed`,
    [olderThanMs, rowsPerStep],
  );
  return row?.removed ?? 0;
}

/** Jobs over parked items that ended this long ago, with their results. @returns how many rows went */
export async function removeOldJobs(sql: Sql, olderThanMs: number): Promise<number> {
  const [row] = await sql.query<{ removed: number }>(
    `WITH old AS (
       SELECT id FROM parked_jobs WHERE state <> 'RUNNING' AND ended_at < now() - make_interval(secs => $1 / 1000.0)
       ORDER BY id LIMIT $2
     ), items AS (
       DELETE FROM parked_job_items USING (
         SELECT job_id, item_id FROM parked_job_items WHERE job_id IN (SELECT id FROM old) LIMIT $2) AS chosen
       WHERE parked_job_items.job_id = chosen.job_id AND parked_job_items.item_id = chosen.item_id RETURNING 1
     ), jobs AS (
       -- A job goes after the last of its items.
       DELETE FROM parked_jobs USING old WHERE parked_jobs.id = old.id
         AND NOT EXISTS (SELECT 1 FROM parked_job_items WHERE job_id = old.id) RETURNING 1
     )
     SELECT ((SELECT count(*) FROM items) + (SELECT count(*) FROM jobs))::int AS removed`,
    [olderThanMs, rowsPerStep],
  );
  return row?.removed ?? 0;
}

/** Clears the idempotency keys of orders that are no longer pending. @returns how many were cleared */
export async function forgetIdempotencyKeys(sql: Sql, olderThanMs: number): Promise<number> {
  const rows = await sql.query(
    `UPDATE orders SET idempotency_key = NULL WHERE id IN (
       SELECT id FROM orders WHERE idempotency_key IS NOT NULL AND status <> 'PENDING'
         AND created_at < now() - make_interval(secs => $1 / 1000.0)
       ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [olderThanMs, rowsPerStep],
  );
  return rows.length;
}

/** The live page shows seconds for a shorter time than this. */
const settleMarksKeptMs = 3_600_000;

/** @returns how many were removed */
export async function removeSettleMarks(sql: Sql): Promise<number> {
  const rows = await sql.query(
    `DELETE FROM settle_marks WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM settle_marks WHERE at < now() - make_interval(secs => $1 / 1000.0)
       ORDER BY at LIMIT $2)) RETURNING 1`,
    [settleMarksKeptMs, rowsPerStep],
  );
  return rows.length;
}

/**
 * Keeps the newest mark, which the next one continues from. Without its mark the publication of an instance
 * is dated by its result. @returns how many were removed
 */
export async function removeOutboxMarks(sql: Sql, olderThanMs: number): Promise<number> {
  const rows = await sql.query(
    `DELETE FROM outbox_marks WHERE at IN (
       SELECT at FROM outbox_marks WHERE at < now() - make_interval(secs => $1 / 1000.0)
         AND at < (SELECT max(at) FROM outbox_marks) ORDER BY at LIMIT $2)
     RETURNING at`,
    [olderThanMs, rowsPerStep],
  );
  return rows.length;
}
