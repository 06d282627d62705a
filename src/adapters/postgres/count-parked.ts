import type { ParkedFilter, ParkedGroup } from '../../core/parked/parked-item.ts';
import type { Database } from '../../lib/sql.ts';

/**
 * Counts of parked items, largest group first. Reads only the index parked_groups and not the items, whose
 * bytes may be gigabytes (test/contract/list-orders-plans.test.ts).
 */
export async function countParked(database: Database, filter: ParkedFilter): Promise<ParkedGroup[]> {
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
    // Without fresh statistics the planner would read the items themselves.
    for (const scan of ['seqscan', 'bitmapscan']) await sql.query(`SET LOCAL enable_${scan} = off`);
    return sql.query<Omit<ParkedGroup, 'count'> & { count: string }>(
      `SELECT reason, origin, count(*)::text AS count, min(parked_at) AS "oldestAt" FROM parked
       ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
       GROUP BY reason, origin ORDER BY count(*) DESC, reason, origin`,
      values,
    );
  });
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}
