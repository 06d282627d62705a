import type { Sql } from '../../lib/sql.ts';
import type { Moment, Span } from '../../ops/live/count-seconds.ts';
import { bucketsPerFactor, type DelayCount } from '../../ops/live/delays.ts';
import type { Backlog, LastAudit, OpenInstances } from '../../ops/live/now.ts';
import type { NowRows } from '../../ops/live/now-watch.ts';
import type { PublishedMark, SecondCount } from '../../ops/live/seconds.ts';
import { findIdBounds } from './id-bounds.ts';
import { lastIssued } from './last-issued.ts';
import { isOpenRefund } from './list-refunds.ts';
import { isParked } from './parked-groups.ts';

/** No purchase waits for these statements, and each is short: an embedded database has one session. */
export function postgresNow(sql: Sql): NowRows {
  return {
    readMoment: () => readMoment(sql),
    countPurchases: (span) => countPurchases(sql, span),
    countSettled: (fromSecond) => countSettled(sql, fromSecond),
    countDelays: (fromSecond) => countDelays(sql, fromSecond),
    readMarks: (fromSecond) => readMarks(sql, fromSecond),
    countOpen: () => countOpen(sql),
    countOutbox: () => readBacklog(sql, 'SELECT sum(events) AS count, min(created_at) AS oldest FROM outbox'),
    countParked: () =>
      readBacklog(sql, `SELECT count(*), min(parked_at) AS oldest FROM parked WHERE ${isParked}`),
    countRefunds: () =>
      // The oldest is the one of the lowest id: with min(created_at) every open refund would be read.
      readBacklog(
        sql,
        `SELECT count(*), (SELECT created_at FROM compensations WHERE ${isOpenRefund}
           ORDER BY kind, id LIMIT 1) AS oldest FROM compensations WHERE ${isOpenRefund}`,
      ),
    readLastAudit: () => readLastAudit(sql),
  };
}

/**
 * pg_stat_activity shows when each transaction of Weir began. A transaction that has just begun may not be
 * listed yet, hence the margin of a second; other programs do not count.
 */
async function readMoment(sql: Sql): Promise<Moment> {
  const [row] = await sql.query<{ at: Date; ended: Date; last_id: string }>(
    `SELECT now() AS at, least(now() - interval '1 second', (SELECT min(xact_start) FROM pg_stat_activity
       WHERE application_name = 'weir' AND datname = current_database() AND pid <> pg_backend_pid())) AS ended,
     ${lastIssued('instance_logs_id_seq')}::text AS last_id`,
  );
  if (!row) throw new Error('the database returned no time');
  return { atMs: row.at.getTime(), endedMs: row.ended.getTime(), lastId: row.last_id };
}

interface SecondRow {
  second: number;
  source: string;
  count: number;
}

/** Not extract(): it is exact and five times slower. Not an int: it ends in 2038. */
const secondOf = (column: string) => `floor(date_part('epoch', ${column}))`;

/**
 * Both bounds of the id are given, so that a planner without statistics also expects few rows and uses the
 * index.
 */
async function countPurchases(
  sql: Sql,
  { fromSecond, toSecond, afterId, lastId }: Span,
): Promise<SecondCount[]> {
  const after = afterId ?? (await findIdBounds(sql, new Date(fromSecond * 1000), undefined)).after.toString();
  const rows = await sql.query<SecondRow>(
    `SELECT ${secondOf('created_at')} AS second, source, count(*)::int AS count FROM instance_logs
     WHERE created_at >= to_timestamp($1) AND created_at < to_timestamp($2) AND id > $3 AND id <= $4
     GROUP BY 1, 2`,
    [fromSecond, toSecond, after, lastId],
  );
  return rows.map((row) => ({ ...row, measure: 'purchases' }));
}

async function countSettled(sql: Sql, fromSecond: number): Promise<SecondCount[]> {
  const rows = await sql.query<SecondRow & { status: string }>(
    `SELECT ${secondOf('at')} AS second, source, status, sum(instances)::int AS count FROM settle_marks
     WHERE at >= to_timestamp($1) GROUP BY 1, 2, 3`,
    [fromSecond],
  );
  return rows.map(({ status, ...row }) => ({
    ...row,
    measure: status === 'SUCCESS' ? 'instances' : 'failed',
  }));
}

/** Each stored delay is a sample: it stands for (instances / stored delays) results. */
async function countDelays(sql: Sql, fromSecond: number): Promise<DelayCount[]> {
  return sql.query<DelayCount>(
    `SELECT ${secondOf('at')} AS second, round(ln(greatest(delay_ms, 1)) * ${bucketsPerFactor})::int AS bucket,
       sum(instances::float8 / cardinality(delays_ms)) AS results
     FROM settle_marks, unnest(delays_ms) AS delay_ms WHERE at >= to_timestamp($1) AND delay_ms IS NOT NULL GROUP BY 1, 2`,
    [fromSecond],
  );
}

async function readMarks(sql: Sql, fromSecond: number): Promise<PublishedMark[]> {
  return sql.query<PublishedMark>(
    `SELECT ${secondOf('at')} AS second, max(published)::float8 AS published FROM outbox_marks
     WHERE at >= to_timestamp($1) AND published IS NOT NULL GROUP BY 1
     UNION ALL (SELECT ${secondOf('at')}, published::float8 FROM outbox_marks
     WHERE at < to_timestamp($1) AND published IS NOT NULL ORDER BY at DESC LIMIT 1)`,
    [fromSecond],
  );
}

/**
 * Below both cursors every row is terminal or listed in overdue (postgres/overdue.ts,
 * postgres/audit-checkpoint.ts).
 */
async function countOpen(sql: Sql): Promise<OpenInstances> {
  const [from] = await sql.query<{ id: string; last_id: string }>(
    `SELECT greatest((SELECT id FROM overdue_cursor), (SELECT instance_log_id FROM audit_checkpoint))::text AS id,
       ${lastIssued('instance_logs_id_seq')}::text AS last_id`,
  );
  const rows = await sql.query<OpenRow>(
    `SELECT source, sum(count)::int AS count, min(oldest) AS oldest, sum(overdue)::int AS overdue,
       min(oldest_overdue) AS oldest_overdue FROM (
       SELECT source, count(*), min(created_at) AS oldest, 0 AS overdue, NULL::timestamptz AS oldest_overdue
       FROM instance_logs WHERE id > $1 AND id <= $2 AND status = 'PROCESSING' GROUP BY 1
       -- Overdue rows above the cursor are counted above.
       UNION ALL SELECT source, count(*) FILTER (WHERE id <= $1), min(created_at), count(*), min(created_at)
       FROM overdue JOIN instance_logs USING (instance_id)
       WHERE status = 'PROCESSING' GROUP BY 1) AS found GROUP BY 1 ORDER BY 2 DESC`,
    [from?.id ?? '0', from?.last_id ?? '0'],
  );
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  return {
    count: total(rows.map(({ count }) => count)),
    oldestAt: earliest(rows.map(({ oldest }) => oldest)),
    bySource: new Map(rows.map(({ source, count }) => [source, count])),
    overdue: {
      count: total(rows.map(({ overdue }) => overdue)),
      oldestAt: earliest(rows.map(({ oldest_overdue }) => oldest_overdue)),
    },
  };
}

interface OpenRow {
  source: string;
  count: number;
  oldest: Date | null;
  overdue: number;
  oldest_overdue: Date | null;
}

function earliest(times: readonly (Date | null)[]): Date | null {
  const known = times.flatMap((time) => (time ? [time.getTime()] : []));
  return known.length > 0 ? new Date(Math.min(...known)) : null;
}

async function readBacklog(sql: Sql, statement: string): Promise<Backlog> {
  const [row] = await sql.query<{ count: string | null; oldest: Date | null }>(statement);
  return { count: Number(row?.count ?? 0), oldestAt: row?.oldest ?? null };
}

async function readLastAudit(sql: Sql): Promise<LastAudit | undefined> {
  const [row] = await sql.query<LastAudit>(
    'SELECT ok, audited_at AS "auditedAt", exceptions FROM last_audit',
  );
  return row;
}
