import type { ParkedDetail, ParkedFilter, ParkedGroup, ParkedItem } from '../../core/parked/parked-item.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { planByIndex } from './plan-by-index.ts';

/** Reads parked items for operators. */
export function postgresParkedQueries(database: Database) {
  return {
    findParked: async (id: string) => (await findParked(database, [id]))[0],
    listParked: (filter: ParkedFilter, limit: number, before: string | undefined) =>
      listParked(database, filter, limit, before),
    countParked: (filter: ParkedFilter) => countParked(database, filter),
  };
}

/** NULL while the item is parked. */
export const resolutionColumn = `CASE WHEN resolution IS NOT NULL THEN
  json_build_object('code', resolution, 'params', coalesce(resolution_params, '{}')) END AS resolution`;

const columns = `id::text, origin, reason, detail, params, source, scope, source_id AS "sourceId",
  parked_at AS "parkedAt", state,
  attempts, resolved_at AS "resolvedAt", resolved_by AS "resolvedBy", ${resolutionColumn}, instance_id::text AS "instanceId",
  job_id::text AS "jobId"`;

/** Newest first, below the id `before`. */
async function listParked(
  sql: Sql,
  filter: ParkedFilter,
  limit: number,
  before: string | undefined,
): Promise<ParkedItem[]> {
  const values: unknown[] = [limit, before ?? '9223372036854775807'];
  const { state = 'PARKED', ...equal } = filter;
  const conditions = Object.entries({ ...equal, ...(state === 'ALL' ? {} : { state }) })
    .filter(([, value]) => value !== undefined)
    // The names come from ParkedFilter, never from a request.
    .map(([column, value]) => `AND ${column} = $${values.push(value)}`);
  return sql.query<ParkedItem>(
    `SELECT ${columns} FROM parked WHERE id < $2::bigint ${conditions.join(' ')} ORDER BY parked.id DESC LIMIT $1`,
    values,
  );
}

export async function findParked(sql: Sql, ids: readonly string[]): Promise<ParkedDetail[]> {
  const rows = await sql.query<ParkedDetail>(
    `SELECT ${columns}, message_id AS "messageId", kind, original FROM parked WHERE id = ANY ($1::bigint[])`,
    [numberArray(ids.map(BigInt))],
  );
  return rows.map((row) => ({ ...row, original: Buffer.from(row.original) }));
}

/**
 * Counts of parked items, largest group first. Reads only the index parked_groups and not the items, whose
 * bytes may be gigabytes (test/contract/list-orders-plans.test.ts).
 */
async function countParked(database: Database, filter: ParkedFilter): Promise<ParkedGroup[]> {
  const values: unknown[] = [];
  const { state = 'PARKED', ...equal } = filter;
  const conditions = Object.entries(equal)
    .filter(([, value]) => value !== undefined)
    // The names come from ParkedFilter, never from a request. `|| ''` keeps the planner from using the
    // index of the unique key.
    .map(([column, value]) => `(${column} || '') = $${values.push(value)}`);
  // Not `=`: the planner would choose the index parked_open, whose rows must be read.
  if (state !== 'ALL')
    conditions.push(`state COLLATE "C" BETWEEN $${values.push(state)} AND $${values.length}`);
  const rows = await database.transaction(async (sql) => {
    await planByIndex(sql);
    return sql.query<Omit<ParkedGroup, 'count'> & { count: string }>(
      `SELECT reason, origin, count(*)::text AS count, min(parked_at) AS "oldestAt" FROM parked
       ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
       GROUP BY reason, origin ORDER BY count(*) DESC, reason, origin`,
      values,
    );
  });
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}
