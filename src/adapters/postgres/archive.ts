import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import type { ArchiveRows } from '../../ops/retention/archive.ts';
import { forgetTimes } from './counted-times.ts';

/** The format of the API: camelCase, 64-bit numbers as strings, times in ISO 8601. */
const line = `jsonb_build_object('instanceId', instance_id::text, 'productId', product_id::text, 'userId', user_id::text,
    'source', source, 'sourceId', source_id, 'scope', scope, 'status', status, 'reason', reason,
    'productVersion', product_version, 'createdAt', created_at, 'updatedAt', updated_at, 'eventAt', event_at,
    'answeredAt', answered_at,
    'history', (SELECT jsonb_agg(jsonb_build_object('at', at, 'what', what, 'detail', detail, 'by', actor)
        ORDER BY instance_history.id)
      FROM instance_history WHERE instance_history.instance_id = instance_logs.instance_id),
    'compensation', (SELECT jsonb_build_object('kind', kind, 'reason', compensations.reason, 'outcome', outcome,
        'requestedAt', compensations.created_at, 'doneAt', done_at)
      FROM compensations WHERE compensations.instance_id = instance_logs.instance_id))::text`;

/**
 * Rows that can be archived: terminal, older than `olderThanMs`, already counted by the audit (so that its
 * sums stay right without them), without an open compensation and without a parked item of the same
 * purchase.
 */
export function postgresArchive(database: Database): ArchiveRows {
  return {
    async findOld(olderThanMs, after, limit) {
      const rows = await database.query<{ id: string; is_old: boolean; line: string | null }>(
        `WITH page AS (
           SELECT *, created_at < now() - make_interval(secs => $1 / 1000.0) AS is_old FROM instance_logs
           WHERE id > $2 AND id <= (SELECT instance_log_id FROM audit_checkpoint) ORDER BY id LIMIT $3
         )
         SELECT id::text, is_old, CASE WHEN is_old AND status <> 'PROCESSING'
             AND updated_at < now() - make_interval(secs => $1 / 1000.0)
             AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id
               AND compensations.status = 'REQUESTED')
             AND NOT EXISTS (SELECT 1 FROM audit_open WHERE audit_open.instance_id = instance_logs.instance_id)
             AND NOT EXISTS (SELECT 1 FROM parked WHERE origin IN ('STREAM', 'OUTBOX')
               AND parked.source = instance_logs.source AND parked.scope = instance_logs.scope
               AND parked.source_id = instance_logs.source_id AND state <> 'REPLAYED')
           THEN ${line} END AS line
         FROM page AS instance_logs ORDER BY instance_logs.id`,
        [olderThanMs, after, limit],
      );
      const lines = rows.flatMap(({ id, line }) => (line === null ? [] : [{ id, line }]));
      const isLast = rows.length < limit || rows.some(({ is_old }) => !is_old);
      return { lines, nextAfter: isLast ? undefined : rows.at(-1)?.id };
    },

    remove: (ids) => database.transaction((sql) => removeCounted(sql, ids)),
  };
}

/**
 * A full audit (`weir audit --full`) takes the same lock, so it finds each row either in instance_logs or
 * in audit_archived. Rows that it has not counted again yet are kept. The compensations are kept too: they
 * are small, and the sums need them.
 */
async function removeCounted(sql: Sql, ids: readonly string[]): Promise<number> {
  await sql.query('SELECT 1 FROM audit_checkpoint FOR UPDATE');
  const [row] = await sql.query<{ removed: number }>(
    `WITH removed AS (
           DELETE FROM instance_logs WHERE id = ANY ($1::bigint[]) AND status <> 'PROCESSING'
             AND id <= (SELECT instance_log_id FROM audit_checkpoint)
           RETURNING id, instance_id, product_id, user_id, source, source_id, scope, status, reason, created_at,
             updated_at, answered_at
         ), kept AS (
           INSERT INTO archived_purchases (source, source_id, scope, instance_id, product_id, user_id, status, reason,
             created_at, updated_at, answered_at)
           SELECT source, source_id, scope, instance_id, product_id, user_id, status, reason, created_at, updated_at,
             answered_at FROM removed ON CONFLICT DO NOTHING
         ), ${forgetTimes('removed')}, forgotten AS (
           DELETE FROM instance_history WHERE instance_id IN (SELECT instance_id FROM removed)
         ), late AS (
           DELETE FROM overdue WHERE instance_id IN (SELECT instance_id FROM removed)
         ), counted AS (
         INSERT INTO audit_archived (source, scope, known_order, status, rows)
         SELECT source, scope, CASE source WHEN 'ORDER' THEN EXISTS (SELECT 1 FROM orders WHERE orders.id = source_id)
           ELSE FALSE END, status, count(*) FROM removed GROUP BY 1, 2, 3, 4
         ON CONFLICT (source, scope, known_order, status) DO UPDATE SET rows = audit_archived.rows + excluded.rows
         ) SELECT count(*)::int AS removed FROM removed`,
    [numberArray(ids.map(BigInt))],
  );
  return row?.removed ?? 0;
}
