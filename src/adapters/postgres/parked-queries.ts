import type { ParkedDetail, ParkedFilter, ParkedItem } from '../../core/parked/parked-item.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { countParked } from './count-parked.ts';
import { selectParkedIds } from './parked-groups.ts';
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
  database: Database,
  filter: ParkedFilter,
  limit: number,
  before: string | undefined,
): Promise<ParkedItem[]> {
  const values: unknown[] = [limit, before ?? '9223372036854775807'];
  const ids = selectParkedIds(filter, values, { order: 'DESC', beyond: '$2', limit: '$1' });
  return database.transaction(async (sql) => {
    await planByIndex(sql);
    return sql.query<ParkedItem>(
      `SELECT ${columns} FROM (${ids}) AS page JOIN parked USING (id) ORDER BY parked.id DESC`,
      values,
    );
  });
}

export async function findParked(sql: Sql, ids: readonly string[]): Promise<ParkedDetail[]> {
  const rows = await sql.query<ParkedDetail>(
    `SELECT ${columns}, message_id AS "messageId", kind, original FROM parked WHERE id = ANY ($1::bigint[])`,
    [numberArray(ids.map(BigInt))],
  );
  return rows.map((row) => ({ ...row, original: Buffer.from(row.original) }));
}
