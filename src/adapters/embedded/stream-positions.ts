import { type Database, textArray } from '../../lib/sql.ts';
import type { StreamPositions } from '../../sale/purchase-progress.ts';

interface PlaceRow {
  waiting_before: string | null;
  added: string;
  waiting: string;
  last_ms: string | null;
}

/** Counted on demand: waiting entries are the rows that were not delivered. */
export function embeddedStreamPositions(
  database: Database,
  { isOnlyConsumer }: { isOnlyConsumer: boolean },
): StreamPositions {
  const isWaiting = isOnlyConsumer
    ? 'waits.entry > (SELECT entry FROM embedded_cursor)'
    : 'waits.consumer IS NULL';
  return {
    async locate(stream, ids) {
      const rows = await database.query<PlaceRow>(
        `WITH waits AS MATERIALIZED (SELECT entry, entry_id FROM embedded_stream AS waits WHERE stream = $1 AND ${isWaiting})
         SELECT CASE WHEN asked.entry IS NULL THEN NULL
             ELSE (SELECT count(*) FROM waits WHERE waits.entry <= asked.entry) END::text AS waiting_before,
           coalesce((SELECT added FROM embedded_streams WHERE stream = $1), 0)::text AS added,
           (SELECT count(*) FROM waits)::text AS waiting,
           (SELECT split_part(entry_id, '-', 1) FROM waits ORDER BY entry LIMIT 1) AS last_ms
         FROM (SELECT nth, embedded_stream.entry FROM unnest($2::text[]) WITH ORDINALITY AS wanted (entry_id, nth)
           LEFT JOIN embedded_stream ON embedded_stream.stream = $1 AND embedded_stream.entry_id = wanted.entry_id) AS asked
         ORDER BY nth`,
        [stream, textArray(ids)],
      );
      const first = rows[0];
      const delivered = first ? Number(first.added) - Number(first.waiting) : 0;
      return {
        delivered,
        lastDeliveredMs: Number(first?.last_ms ?? Number.MAX_SAFE_INTEGER),
        entries: rows.map(({ waiting_before: before }) =>
          before === null ? undefined : { nth: delivered + Number(before) },
        ),
      };
    },
  };
}
