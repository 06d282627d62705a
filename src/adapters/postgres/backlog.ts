import type { Sql, Statement } from '../../lib/sql.ts';
import type { DatabaseBacklog, Waiting } from '../../ops/live/backlog.ts';
import { isParked } from './parked-groups.ts';

interface BacklogRow {
  part: string;
  label: string;
  count: string;
  age_ms: number | null;
}

/**
 * Each part is small or has an index of its open rows, so a read takes milliseconds on a table of any size.
 * PROCESSING rows have no index (docs/decisions/0011): they are in `overdue` or above its cursor. The
 * search for the oldest starts where the previous one found it, because no lower id can be PROCESSING any
 * more.
 */
export function createBacklogReader(sql: Sql): () => Promise<DatabaseBacklog> {
  let from = '0';
  return async () => {
    const rows = await sql.query<BacklogRow>(statement, [from]);
    const [young] = rows.filter(({ part }) => part === 'young');
    if (young) from = young.label;
    return {
      outbox: pick(rows, 'outbox'),
      parked: pick(rows, 'parked'),
      compensations: pick(rows, 'compensations'),
      processingAgeMs: Math.max(0, young?.age_ms ?? 0, pick(rows, 'overdue').get('')?.oldestAgeMs ?? 0),
      parkedJobs: pick(rows, 'jobs').get('') ?? { count: 0, oldestAgeMs: 0 },
      workerIds: pick(rows, 'workers').get('')?.count ?? 0,
    };
  };
}

/** The newest rows may not be committed yet, so the next read starts this many ids below the newest. */
const uncommitted = 10_000;
/**
 * A settled row stays in overdue until it is due; this many of the oldest are searched for one that is not
 * settled.
 */
const oldestOverdue = 1_000;

const ageOf = (column: string) => `extract(epoch FROM clock_timestamp() - ${column})::float8 * 1000`;

const statement: Statement = {
  name: 'weir-backlog',
  text: `
WITH first_young AS (
  SELECT id, created_at FROM instance_logs
  WHERE id > greatest($1::bigint, (SELECT id FROM overdue_cursor), (SELECT instance_log_id FROM audit_checkpoint))
    AND status = 'PROCESSING' AND created_at <= clock_timestamp() ORDER BY id LIMIT 1
), first_overdue AS (
  SELECT created_at FROM (SELECT instance_id FROM overdue ORDER BY instance_id LIMIT ${oldestOverdue}) AS oldest
  JOIN instance_logs USING (instance_id) WHERE status = 'PROCESSING' ORDER BY instance_id LIMIT 1
)
SELECT 'outbox' AS part, kind AS label, sum(events)::text AS count, ${ageOf('min(created_at)')} AS age_ms
FROM outbox GROUP BY kind
UNION ALL
SELECT 'parked', reason, count(*)::text, ${ageOf('min(parked_at)')} FROM parked WHERE ${isParked} GROUP BY reason
UNION ALL
SELECT 'compensations', kind, count(*)::text, ${ageOf('min(created_at)')}
FROM compensations WHERE status = 'REQUESTED' AND restock_due_at < 'infinity' GROUP BY kind
UNION ALL
SELECT 'jobs', '', count(*)::text, ${ageOf('min(stepped_at)')} FROM parked_jobs WHERE state = 'RUNNING'
UNION ALL
SELECT 'workers', '', count(*)::text, 0 FROM worker_leases WHERE expires_at > clock_timestamp()
UNION ALL
SELECT 'overdue', '', '1', ${ageOf('created_at')} FROM first_overdue
UNION ALL
SELECT 'young', greatest(0, least((SELECT id - 1 FROM first_young), max(id) - ${uncommitted}))::text, '1',
  (SELECT ${ageOf('created_at')} FROM first_young)
FROM instance_logs HAVING max(id) IS NOT NULL`,
};

function pick(rows: readonly BacklogRow[], wanted: string): Map<string, Waiting> {
  const found = rows.filter(({ part }) => part === wanted);
  return new Map(
    found.map(({ label, count, age_ms }) => [
      label,
      { count: Number(count), oldestAgeMs: Math.max(0, age_ms ?? 0) },
    ]),
  );
}
