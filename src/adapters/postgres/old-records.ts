import type { Sql } from '../../lib/sql.ts';

const rowsPerStep = 1_000;

/** Parked items that were dealt with this long ago. Discarded ones go on counting in the audit. @returns how many went */
export async function removeResolvedItems(sql: Sql, olderThanMs: number): Promise<number> {
  const [row] = await sql.query<{ removed: number }>(
    `WITH old AS (
       SELECT id FROM parked WHERE state <> 'PARKED' AND resolved_at < now() - make_interval(secs => $1 / 1000.0)
       ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
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

/** Idempotency keys of orders that are not pending any more. @returns how many were forgotten */
export async function forgetIdempotencyKeys(sql: Sql, olderThanMs: number): Promise<number> {
  const rows = await sql.query(
    `UPDATE orders SET idempotency_key = NULL WHERE id IN (
       SELECT id FROM orders WHERE idempotency_key IS NOT NULL AND status <> 'PENDING'
         AND created_at < now() - make_interval(secs => $1 / 1000.0) LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING id`,
    [olderThanMs, rowsPerStep],
  );
  return rows.length;
}

/** Longer than anybody is shown seconds. */
const settleMarksKeptMs = 3_600_000;

/** @returns how many went */
export async function removeSettleMarks(sql: Sql): Promise<number> {
  const rows = await sql.query(
    `DELETE FROM settle_marks WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM settle_marks WHERE at < now() - make_interval(secs => $1 / 1000.0) LIMIT $2)) RETURNING 1`,
    [settleMarksKeptMs, rowsPerStep],
  );
  return rows.length;
}

/** The newest stays: from it the next one counts. Without its mark an instance's publication is dated by its answer. @returns how many went */
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
