import type { ParkedFilter, ParkedGroup } from '../../core/parked/parked-item.ts';
import type { JobFilter } from '../../core/parked/parked-job.ts';
import type { Database } from '../../lib/sql.ts';
import { selectParkedCounts } from './parked-groups.ts';
import { planByIndex } from './plan-by-index.ts';
import { queryCanceled } from './sqlstates.ts';
import { sqlStateOf } from './transient.ts';

/** Counts of parked items, largest group first. */
export async function countParked(database: Database, filter: ParkedFilter): Promise<ParkedGroup[]> {
  const values: unknown[] = [];
  const counted = selectParkedCounts(filter, values);
  const rows = await database.transaction(async (sql) => {
    await planByIndex(sql);
    return sql.query<Omit<ParkedGroup, 'count'> & { count: string }>(
      `SELECT reason, origin, sum(count)::text AS count, min(oldest) AS "oldestAt" FROM (${counted}) AS counted
       WHERE count > 0 GROUP BY reason, origin ORDER BY sum(count) DESC, reason, origin`,
      values,
    );
  });
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/**
 * How many parked items match. Where vacuum has not been, 1,000,000 take seconds. undefined: longer than
 * `budgetMs`.
 */
export async function countMatched(
  database: Database,
  filter: JobFilter,
  budgetMs: number,
): Promise<number | undefined> {
  const values: unknown[] = [];
  const counted = selectParkedCounts(filter, values);
  try {
    return await database.transaction(async (sql) => {
      await planByIndex(sql);
      await sql.query(`SET LOCAL statement_timeout = ${budgetMs}`);
      const [row] = await sql.query<{ count: number }>(
        `SELECT coalesce(sum(count), 0)::int AS count FROM (${counted}) AS counted`,
        values,
      );
      return row?.count ?? 0;
    });
  } catch (error) {
    if (sqlStateOf(error) === queryCanceled) return undefined;
    throw error;
  }
}
