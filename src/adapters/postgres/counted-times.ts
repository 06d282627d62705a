import type { Sql } from '../../lib/sql.ts';

// Rows by the minute and the hour of their creation (table counted_times), which the audit keeps with its
// counts: a trend reads this and the rows above the checkpoint (instance-stats.ts).

const minuteOf = (time: string) => `date_bin('1 minute', ${time}, 'epoch')`;

/** `minutes`: selects step, starts_at, source, status, rows by the minute; the hours are made of them. */
const withHours = (
  minutes: string,
) => `SELECT 'minute' AS step, minute AS starts_at, source, status, sum(rows) AS rows
    FROM ${minutes} WHERE minute IS NOT NULL GROUP BY 2, 3, 4
  UNION ALL SELECT 'hour', date_bin('1 hour', minute, 'epoch'), source, status, sum(rows)
    FROM ${minutes} WHERE minute IS NOT NULL GROUP BY 2, 3, 4`;

const addUp = `ON CONFLICT (step, starts_at, source, status) DO UPDATE SET rows = counted_times.rows + excluded.rows`;

/** Part of a WITH clause. `passed` is a part of it that has minute, source, status and rows. */
export function keepTimes(passed: string): string {
  return `times AS (INSERT INTO counted_times ${withHours(passed)} ${addUp})`;
}

/** These instances were counted as PROCESSING, and are settled now. */
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
 * Part of a WITH clause. `removed` is a part of it that deletes rows of instance_logs; of those the book has only what
 * lies below the checkpoint, which must not move meanwhile.
 */
export function forgetTimes(removed: string): string {
  return `counted_up_to AS (
      SELECT instance_log_id FROM audit_checkpoint FOR SHARE
    ), gone AS (
      SELECT ${minuteOf('created_at')} AS minute, source, status, -count(*) AS rows FROM ${removed}
      WHERE id <= (SELECT instance_log_id FROM counted_up_to) GROUP BY 1, 2, 3
    ), forgotten_times AS (INSERT INTO counted_times ${withHours('gone')} ${addUp})`;
}

/** Times of which all is archived. */
export async function removeEmptyTimes(sql: Sql): Promise<void> {
  await sql.query('DELETE FROM counted_times WHERE rows = 0');
}
