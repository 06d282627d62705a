import type { Sql } from '../../lib/sql.ts';

// Rows by minute and hour of creation (table counted_times), maintained by the audit with its counts. A
// trend reads this table and the rows above the checkpoint (instance-stats.ts).

const minuteOf = (time: string) => `date_bin('1 minute', ${time}, 'epoch')`;

/**
 * `minutes`: a query for step, starts_at, source, status and rows by minute; the hours are summed from it.
 */
const withHours = (
  minutes: string,
) => `SELECT 'minute' AS step, minute AS starts_at, source, status, sum(rows) AS rows
    FROM ${minutes} WHERE minute IS NOT NULL GROUP BY 2, 3, 4
  UNION ALL SELECT 'hour', date_bin('1 hour', minute, 'epoch'), source, status, sum(rows)
    FROM ${minutes} WHERE minute IS NOT NULL GROUP BY 2, 3, 4`;

const addUp = `ON CONFLICT (step, starts_at, source, status) DO UPDATE SET rows = counted_times.rows + excluded.rows`;

/** Part of a WITH clause. `passed`: an earlier part with the columns minute, source, status and rows. */
export function addTimes(passed: string): string {
  return `times AS (INSERT INTO counted_times ${withHours(passed)} ${addUp})`;
}

/** Moves instances that were counted as PROCESSING to their final status. */
export async function moveSettledTimes(sql: Sql, instanceIds: string): Promise<void> {
  await sql.query(
    `WITH late AS MATERIALIZED (
       SELECT ${minuteOf('created_at')} AS minute, source, status, count(*) AS rows FROM instance_logs
       WHERE instance_id = ANY ($1::bigint[]) GROUP BY 1, 2, 3
     ), moved AS MATERIALIZED (
       SELECT minute, source, status, rows FROM late UNION ALL SELECT minute, source, 'PROCESSING', -rows FROM late
     )
     INSERT INTO counted_times ${withHours('moved')} ${addUp}`,
    [instanceIds],
  );
}

/**
 * Part of a WITH clause. `removed`: an earlier part that deletes rows of instance_logs. counted_times holds
 * only rows below the checkpoint, which must not move meanwhile.
 */
export function forgetTimes(removed: string): string {
  return `counted_up_to AS (
      SELECT instance_log_id FROM audit_checkpoint FOR SHARE
    ), gone AS (
      SELECT ${minuteOf('created_at')} AS minute, source, status, -count(*) AS rows FROM ${removed}
      WHERE id <= (SELECT instance_log_id FROM counted_up_to) GROUP BY 1, 2, 3
    ), forgotten_times AS (INSERT INTO counted_times ${withHours('gone')} ${addUp})`;
}

/** Removes times whose rows are all archived. */
export async function removeEmptyTimes(sql: Sql): Promise<void> {
  await sql.query('DELETE FROM counted_times WHERE rows = 0');
}
