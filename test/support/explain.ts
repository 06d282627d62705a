import type { Database, Sql, Statement } from '../../src/lib/sql.ts';

/** Notes in `plans` EXPLAIN ANALYZE of each statement that reads `table`, and then runs it. */
export function explaining(sql: Sql, table: string, plans: string[]): Sql {
  return {
    async query<Row>(statement: Statement | string, values?: readonly unknown[]) {
      const text = String(statement);
      if (text.includes(`FROM ${table}`)) {
        const lines = await sql.query<Record<'QUERY PLAN', string>>(`EXPLAIN ANALYZE ${text}`, values);
        plans.push(...lines.map((line) => line['QUERY PLAN']));
      }
      return sql.query<Row>(text, values);
    },
    runScript: (script) => sql.runScript(script),
  };
}

/** Runs `read` with EXPLAIN ANALYZE before each statement of its transactions that reads `table`. @returns the plans */
export async function explain(
  database: Database,
  table: string,
  read: (database: Database) => Promise<unknown>,
): Promise<string> {
  const plans: string[] = [];
  const transaction: Database['transaction'] = (work) =>
    database.transaction((sql) => work(explaining(sql, table, plans)));
  await read({ ...database, transaction });
  return plans.join('\n');
}

/** The most rows that any step of a plan has read. */
export function countRowsRead(plan: string): number {
  const counts = [...plan.matchAll(/actual time=\S+ rows=(\d+)|Rows Removed by \w+(?: \w+)?: (\d+)/g)];
  return Math.max(...counts.map(([, read, removed]) => Number(read ?? removed)));
}
