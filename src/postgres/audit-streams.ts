import type { InstanceCount, StreamFigure } from '../audit/audit.ts';
import type { StreamReading } from '../audit/stream-reading.ts';
import { type Sql, textArray } from '../lib/sql.ts';

/**
 * What became of the entries of each stream, beside what its store says. `since`: the database's time before the store
 * was asked.
 */
export async function figureStreams(
  sql: Sql,
  readings: readonly StreamReading[],
  instances: readonly InstanceCount[],
  since: Date,
): Promise<StreamFigure[]> {
  const known = await sql.query<KnownStream>(
    'SELECT stream, added::text, added_before::text FROM audit_streams ORDER BY stream',
  );
  const before = new Map(known.map((row) => [row.stream, row]));
  const present = new Set(readings.map(({ stream }) => stream));
  const gone = known.filter(({ stream }) => !present.has(stream)).map(({ stream }) => emptyReading(stream));
  const figures: StreamFigure[] = [];
  for (const reading of [...readings, ...gone]) {
    const figure = await figureStream(sql, reading, instances, since);
    figures.push(await keepAdded(sql, figure, before.get(reading.stream)));
  }
  return figures;
}

interface KnownStream {
  stream: string;
  added: string;
  added_before: string;
}

/** A stream that was counted and is not there any more: deleted, or Redis lost it. */
function emptyReading(stream: string): StreamReading {
  return { stream, added: 0, lastDelivered: undefined, undelivered: 0, pending: [] };
}

async function figureStream(
  sql: Sql,
  { stream, added, lastDelivered, undelivered, pending }: StreamReading,
  instances: readonly InstanceCount[],
  since: Date,
): Promise<StreamFigure> {
  const all = instances.reduce(
    (sum, row) => (row.source === 'SECKILL' && row.scope === stream ? sum + row.rows : sum),
    0,
  );
  const rows = all - (lastDelivered ? await countRowsAfter(sql, stream, lastDelivered, since) : 0);
  const parked = await countParked(sql, stream, lastDelivered);
  const open = pending.length > 0 ? await countOpen(sql, stream, pending) : 0;
  return { stream, added, rows, parked, waiting: undelivered + open, lost: 0 };
}

/** An entry id as PostgreSQL compares it. */
const entryIdAsNumbers = (column: string) =>
  `(split_part(${column}, '-', 1)::numeric, split_part(${column}, '-', 2)::numeric)`;

/** Made after the stream was read. They are young, so few rows are looked at; the extra seconds cost nothing. */
async function countRowsAfter(sql: Sql, stream: string, lastDelivered: string, since: Date): Promise<number> {
  const [row] = await sql.query<{ count: string }>(
    `SELECT count(*)::text FROM instance_logs WHERE created_at >= $3::timestamptz - interval '10 seconds'
       AND source = 'SECKILL' AND scope = $1 AND ${entryIdAsNumbers('source_id')} > ${entryIdAsNumbers('$2::text')}`,
    [stream, lastDelivered, since],
  );
  return Number(row?.count ?? 0);
}

/** Whatever became of them, unless it became a row; a replayed one did. */
async function countParked(sql: Sql, stream: string, lastDelivered: string | undefined): Promise<number> {
  const bound = lastDelivered
    ? `AND ${entryIdAsNumbers('source_id')} <= ${entryIdAsNumbers('$2::text')}`
    : '';
  const [row] = await sql.query<{ count: string }>(
    `SELECT (count(*) + coalesce((SELECT events FROM audit_discarded WHERE origin = 'STREAM' AND scope = $1), 0))::text
       AS count
     FROM parked WHERE origin = 'STREAM' AND scope = $1 AND state <> 'REPLAYED' ${bound} AND NOT EXISTS (
       SELECT 1 FROM instance_logs WHERE instance_logs.source = parked.source
         AND instance_logs.source_id = parked.source_id AND instance_logs.scope = parked.scope)`,
    lastDelivered ? [stream, lastDelivered] : [stream],
  );
  return Number(row?.count ?? 0);
}

/** Of the pending ones those that have neither row nor place among the parked. */
async function countOpen(sql: Sql, stream: string, pending: readonly string[]): Promise<number> {
  const [row] = await sql.query<{ count: string }>(
    `SELECT count(*)::text FROM unnest($2::text[]) AS entry (id)
     WHERE NOT EXISTS (SELECT 1 FROM instance_logs WHERE source = 'SECKILL' AND source_id = entry.id AND scope = $1)
       AND NOT EXISTS (SELECT 1 FROM parked WHERE origin = 'STREAM' AND source = 'SECKILL' AND scope = $1
         AND source_id = entry.id)`,
    [stream, textArray(pending)],
  );
  return Number(row?.count ?? 0);
}

/**
 * Remembers how many entries were added. A stream that counts less than before began anew: what it had counted is kept,
 * and what was not accounted for by then is lost, which is reported once.
 */
async function keepAdded(
  sql: Sql,
  figure: StreamFigure,
  known: KnownStream | undefined,
): Promise<StreamFigure> {
  if (figure.added === undefined) return figure;
  const found = figure.rows + figure.parked + figure.waiting;
  let addedBefore = Number(known?.added_before ?? 0);
  let lost = 0;
  if (known && figure.added < Number(known.added)) {
    lost = Math.max(0, addedBefore + Number(known.added) - (found - figure.added));
    addedBefore = found - figure.added;
  }
  await sql.query(
    `INSERT INTO audit_streams (stream, added, added_before) VALUES ($1, $2, $3)
     ON CONFLICT (stream) DO UPDATE SET added = excluded.added, added_before = excluded.added_before`,
    [figure.stream, figure.added, addedBefore],
  );
  return { ...figure, added: figure.added + addedBefore, lost };
}
