import type { Sql } from '../../lib/sql.ts';
import { findIdBounds, type IdBounds } from './id-bounds.ts';

/** Two minutes with rows belong to one range when they are at most this far apart. */
const maxGapMinutes = 10;
/** The longest page has this many rows, so more ranges are never needed. */
const maxRanges = 500;

interface TimeRange {
  from: Date;
  to: Date;
}

/**
 * Yields the id ranges that contain rows of a source or a status, newest first, so that a list skips the
 * ids between: everything above the audit's checkpoint, and below it the minutes that counted_times lists.
 * Rows without a time are in no minute.
 */
export async function* findRanges(
  sql: Sql,
  { source, status }: { source?: string | undefined; status?: string | undefined },
  { after, upTo }: IdBounds,
): AsyncGenerator<IdBounds> {
  const [checkpoint] = await sql.query<{ id: string }>(
    'SELECT instance_log_id::text AS id FROM audit_checkpoint',
  );
  let top = upTo;
  const counted = BigInt(checkpoint?.id ?? 0);
  if (counted < top) {
    yield { after: larger(after, counted), upTo: top };
    top = counted;
  }
  if (top <= after) return;
  for (const { from, to } of await listTimeRanges(sql, source, status, top)) {
    const bounds = await findIdBounds(sql, from, to);
    if (bounds.after >= top) continue;
    const low = larger(after, bounds.after);
    yield { after: low, upTo: bounds.upTo < top ? bounds.upTo : top };
    top = low;
    if (top <= after) return;
  }
}

async function listTimeRanges(
  sql: Sql,
  source: string | undefined,
  status: string | undefined,
  top: bigint,
): Promise<TimeRange[]> {
  return sql.query<TimeRange>(
    `WITH minutes AS (
       SELECT DISTINCT starts_at FROM counted_times
       WHERE step = 'minute' AND rows > 0 AND ($1::text IS NULL OR source = $1) AND ($2::text IS NULL OR status = $2)
         AND starts_at <= (SELECT created_at + interval '1 minute' FROM instance_logs
           WHERE id <= $3 AND created_at IS NOT NULL ORDER BY id DESC LIMIT 1)
     ), begun AS (
       SELECT starts_at, coalesce(lag(starts_at) OVER newest_first - starts_at > interval '${maxGapMinutes} minutes',
         false)::int AS begins FROM minutes WINDOW newest_first AS (ORDER BY starts_at DESC)
     ), numbered AS (
       SELECT starts_at, sum(begins) OVER (ORDER BY starts_at DESC) AS number FROM begun
     )
     SELECT min(starts_at) AS "from", max(starts_at) + interval '1 minute' AS "to"
     FROM numbered GROUP BY number ORDER BY 2 DESC LIMIT ${maxRanges}`,
    [source ?? null, status ?? null, top.toString()],
  );
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
