import type { JobFilter } from '../../core/parked/parked-job.ts';
import type { Database } from '../../lib/sql.ts';
import { planByIndex } from './plan-by-index.ts';
import { sqlStateOf } from './transient.ts';

const columns = ['origin', 'reason', 'source', 'scope'] as const;

/** The conditions of the filter, each with AND before it; appends their values. */
export function matches(filter: JobFilter, values: unknown[], toColumn = (name: string) => name): string {
  return columns
    .filter((name) => filter[name] !== undefined)
    .map((name) => `AND ${toColumn(name)} = $${values.push(filter[name])}`)
    .join(' ');
}

const queryCanceled = '57014';

/**
 * How many parked items match, read from the index parked_groups alone where vacuum has been; else 1,000,000 take seconds.
 * undefined: longer than `budgetMs`.
 */
export async function countMatched(
  database: Database,
  filter: JobFilter,
  budgetMs: number,
): Promise<number | undefined> {
  const values: unknown[] = [];
  // `|| ''` keeps the planner from the index of the unique key.
  const conditions = matches(filter, values, (name) => `(${name} || '')`);
  try {
    return await database.transaction(async (sql) => {
      await planByIndex(sql);
      await sql.query(`SET LOCAL statement_timeout = ${budgetMs}`);
      const [row] = await sql.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM parked
         WHERE state COLLATE "C" BETWEEN 'PARKED' AND 'PARKED' ${conditions}`,
        values,
      );
      return row?.count ?? 0;
    });
  } catch (error) {
    if (sqlStateOf(error) === queryCanceled) return undefined;
    throw error;
  }
}
