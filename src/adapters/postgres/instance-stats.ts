import type { TrendStep } from '../../api/answers.ts';
import type { Database, Sql } from '../../lib/sql.ts';

interface SourceCount {
  source: string;
  total: string;
  success: string;
  failed: string;
  processing: string;
  /** Percentage of all, with two decimals: the seed's success_rate. */
  successRate: string;
}

/** Both times lie on step boundaries in UTC. */
export interface TrendWindow {
  from: Date;
  to: Date;
  step: TrendStep;
  source?: string | undefined;
}

interface TrendPoint {
  /** Start of the step; the field has this name for minutes and hours. */
  bucketStart: Date;
  source: string;
  count: string;
  success: string;
  failed: string;
}

const byStatus = (rows: string) => `sum(${rows})::text AS count,
  coalesce(sum(${rows}) FILTER (WHERE status = 'SUCCESS'), 0)::text AS success,
  coalesce(sum(${rows}) FILTER (WHERE status = 'FAILED'), 0)::text AS failed`;

/**
 * The seed's figures. The audit has counted the old settled rows; few others are left
 * (docs/decisions/0013).
 */
export function countBySource(database: Database): Promise<SourceCount[]> {
  return aboveCheckpoint(database, (sql, checkpoint) =>
    sql.query<SourceCount>(
      `SELECT source, count AS total, success, failed,
         (count::bigint - success::bigint - failed::bigint)::text AS processing,
         round(100.0 * success::bigint / count::bigint, 2)::text AS "successRate"
       FROM (SELECT source, ${byStatus('rows')} FROM (
         SELECT source, status, rows FROM audit_counts
         UNION ALL SELECT source, status, -rows FROM audit_archived
         UNION ALL SELECT source, status, count(*) FROM instance_logs WHERE id > $1 GROUP BY 1, 2) AS counted
       GROUP BY source HAVING sum(rows) > 0) AS summed ORDER BY source`,
      [checkpoint],
    ),
  );
}

/**
 * Newest first; empty steps are left out. date_bin() ignores time zones, which makes it four times as fast.
 */
export function countByStep(
  database: Database,
  { from, to, step, source }: TrendWindow,
): Promise<TrendPoint[]> {
  return aboveCheckpoint(database, (sql, checkpoint) =>
    sql.query<TrendPoint>(
      `SELECT date_bin($2::interval, starts_at, 'epoch') AS "bucketStart", source, ${byStatus('rows')} FROM (
         SELECT starts_at, source, status, rows FROM counted_times
         WHERE step = $3 AND starts_at >= $4 AND starts_at < $5
         UNION ALL SELECT date_bin($2::interval, created_at, 'epoch'), source, status, count(*) FROM instance_logs
         WHERE id > $1 AND created_at >= $4 AND created_at < $5 GROUP BY 1, 2, 3) AS counted
       WHERE rows > 0 AND ($6::text IS NULL OR source = $6) GROUP BY 1, 2 ORDER BY 1 DESC, 2`,
      [checkpoint, `1 ${step}`, step === 'minute' ? 'minute' : 'hour', from, to, source ?? null],
    ),
  );
}

/**
 * One snapshot, so that no row is counted on both sides of a moving checkpoint. Few rows are above it;
 * without fresh statistics the planner expects a third of the table and would scan all of it
 * (list-instances-plans.test.ts).
 */
function aboveCheckpoint<Row>(
  database: Database,
  count: (sql: Sql, checkpoint: string) => Promise<Row[]>,
): Promise<Row[]> {
  return database.transaction(
    async (sql) => {
      await sql.query('SET LOCAL enable_seqscan = off');
      await sql.query('SET LOCAL max_parallel_workers_per_gather = 0');
      const [row] = await sql.query<{ id: string }>(
        'SELECT instance_log_id::text AS id FROM audit_checkpoint',
      );
      return count(sql, row?.id ?? '0');
    },
    { oneSnapshot: true },
  );
}
