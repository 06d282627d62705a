import type { Sql } from '../../lib/sql.ts';

/**
 * For the rest of a transaction that reads few rows. Without fresh statistics the planner would read a whole
 * table and sort it.
 */
export async function planByIndex(sql: Sql, ways = ['seqscan', 'bitmapscan']): Promise<void> {
  for (const way of ways) await sql.query(`SET LOCAL enable_${way} = off`);
}
