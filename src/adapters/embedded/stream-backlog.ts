import type { Sql } from '../../lib/sql.ts';
import type { StreamBacklog } from '../../ops/live/backlog.ts';

/** Finished entries are deleted immediately, so every existing one waits. */
export async function readEmbeddedBacklog(sql: Sql): Promise<StreamBacklog> {
  const [row] = await sql.query<Record<'streams' | 'entries' | 'pending' | 'age_ms', number>>(
    `SELECT (SELECT count(*) FROM embedded_streams)::int AS streams, count(*)::int AS entries,
       (count(*) FILTER (WHERE consumer IS NOT NULL OR entry <= (SELECT entry FROM embedded_cursor)))::int AS pending,
       coalesce(extract(epoch FROM clock_timestamp()) * 1000
         - min(split_part(entry_id, '-', 1)::bigint), 0)::float8 AS age_ms
     FROM embedded_stream`,
  );
  const { streams = 0, entries = 0, pending = 0, age_ms = 0 } = row ?? {};
  return { streams, undelivered: entries - pending, pending, oldestAgeMs: Math.max(0, age_ms) };
}
