import type { Sql } from '../lib/sql.ts';
import type { Backlog } from '../watch/now.ts';

/** An entry is deleted when it is finished, and its id begins with the milliseconds of its adding. */
export async function readEmbeddedBacklog(sql: Sql): Promise<Backlog> {
  const [row] = await sql.query<{ count: string; oldest: Date | null }>(
    `SELECT count(*), (SELECT to_timestamp(split_part(entry_id, '-', 1)::float8 / 1000) FROM embedded_stream
       ORDER BY entry LIMIT 1) AS oldest FROM embedded_stream`,
  );
  return { count: Number(row?.count ?? 0), oldestAt: row?.oldest ?? null };
}
