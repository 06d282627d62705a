import type { Actor } from '../../core/actor.ts';
import { type Database, type Sql, textArray } from '../../lib/sql.ts';
import type { InstanceCount, StreamFigure } from '../../ops/audit/audit-figures.ts';
import type { StreamReading } from '../../ops/audit/stream-reading.ts';
import { recordActivity } from './activity.ts';
import { readCheckpoint } from './audit-checkpoint.ts';
import { acceptLoss } from './sale-losses.ts';

export function postgresAuditStreams(database: Database) {
  return { acceptStream: (stream: string, actor: Actor) => acceptStream(database, stream, actor) };
}

/**
 * Accounts for the entries of each stream, next to what its store reports. `since`: the database's time
 * before the store was read.
 */
export async function figureStreams(
  sql: Sql,
  readings: readonly StreamReading[],
  instances: readonly InstanceCount[],
  since: Date,
): Promise<StreamFigure[]> {
  const known = await sql.query<KnownStream>(
    `SELECT stream, added::text, added_before::text, restarted_at, lost::text, rebase FROM audit_streams ORDER BY stream`,
  );
  const before = new Map(known.map((row) => [row.stream, row]));
  const present = new Set(readings.map(({ stream }) => stream));
  const gone = known.filter(({ stream }) => !present.has(stream)).map(({ stream }) => emptyReading(stream));
  const figures: StreamFigure[] = [];
  for (const reading of [...readings, ...gone]) {
    const figure = await figureStream(sql, reading, instances, since);
    figures.push(await recordAdded(sql, figure, before.get(reading.stream), since));
  }
  return figures;
}

interface KnownStream {
  stream: string;
  added: string;
  added_before: string;
  restarted_at: Date | null;
  lost: string;
  rebase: boolean;
}

/** A stream that was counted before and no longer exists: it was deleted, or Redis lost it. */
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
  return { stream, added, rows, parked, waiting: undelivered + open, restarted: undefined };
}

/** An entry id as PostgreSQL compares it. */
const entryIdAsNumbers = (column: string) =>
  `(split_part(${column}, '-', 1)::numeric, split_part(${column}, '-', 2)::numeric)`;

/**
 * Rows of entries that were delivered after the stream was read: young rows, above the checkpoint. The 10 s
 * of slack cost nothing.
 */
async function countRowsAfter(sql: Sql, stream: string, lastDelivered: string, since: Date): Promise<number> {
  const [row] = await sql.query<{ count: string }>(
    `SELECT count(*)::text FROM instance_logs WHERE id > $4
       AND created_at >= $3::timestamptz - interval '10 seconds' AND source = 'SECKILL' AND scope = $1 AND ${entryIdAsNumbers('source_id')} > ${entryIdAsNumbers('$2::text')}`,
    [stream, lastDelivered, since, await readCheckpoint(sql)],
  );
  return Number(row?.count ?? 0);
}

/** Parked entries in any state, except those that became a row, such as replayed ones. */
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

/** Pending entries that have neither a row nor a parked item. */
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

interface StreamRecord {
  addedBefore: number;
  restartedAt: Date | null;
  lost: number;
}

/** Records how many entries were added, including those added before the stream restarted. */
async function recordAdded(
  sql: Sql,
  figure: StreamFigure,
  known: KnownStream | undefined,
  now: Date,
): Promise<StreamFigure> {
  const { stream, added } = figure;
  if (added === undefined) return figure;
  const record = detectRestart({ ...figure, added }, known, now);
  await sql.query(
    `INSERT INTO audit_streams (stream, added, added_before, restarted_at, lost) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (stream) DO UPDATE SET added = excluded.added, added_before = excluded.added_before,
       restarted_at = excluded.restarted_at, lost = excluded.lost, rebase = FALSE`,
    [stream, added, record.addedBefore, record.restartedAt, record.lost],
  );
  return {
    ...figure,
    added: added + record.addedBefore,
    restarted: record.restartedAt ? { at: record.restartedAt, lost: record.lost } : undefined,
  };
}

/**
 * A stream has restarted (was deleted, emptied or restored from an older state) when it reports fewer
 * entries than before, or when more are found than were ever added. Until an operator accepts that, and
 * entries that came back are processed, each audit takes the stream as it is.
 */
function detectRestart(
  { added, rows, parked, waiting }: StreamFigure & { added: number },
  known: KnownStream | undefined,
  now: Date,
): StreamRecord {
  const found = rows + parked + waiting;
  const unexplained = found - added;
  // Nothing was counted before, so no loss is known.
  if (!known) return { addedBefore: Math.max(0, unexplained), restartedAt: null, lost: 0 };
  if (known.rebase) return { addedBefore: unexplained, restartedAt: null, lost: 0 };
  if (known.restarted_at)
    return { addedBefore: unexplained, restartedAt: known.restarted_at, lost: Number(known.lost) };
  const addedBefore = Number(known.added_before);
  const countedBefore = Number(known.added) + addedBefore;
  if (added >= Number(known.added) && found <= added + addedBefore)
    return { addedBefore, restartedAt: null, lost: 0 };
  return { addedBefore: unexplained, restartedAt: now, lost: Math.max(0, countedBefore - found) };
}

/**
 * Records that an operator accepts what happened to a stream or its sale; the next audit starts from what
 * it finds.
 */
function acceptStream(database: Database, stream: string, actor: Actor): Promise<boolean> {
  return database.transaction(async (sql) => {
    const lostUnits = await acceptLoss(sql, stream);
    const [known] = await sql.query<{ restarted_at: Date | null; lost: string; was_accepted: boolean }>(
      `UPDATE audit_streams SET rebase = TRUE
       FROM (SELECT stream, rebase FROM audit_streams WHERE stream = $1 FOR UPDATE) AS before
       WHERE audit_streams.stream = before.stream
       RETURNING restarted_at, lost::text, before.rebase AS was_accepted`,
      [stream],
    );
    if (lostUnits === 0 && (!known || known.was_accepted)) return known !== undefined;
    const before = { restartedAt: known?.restarted_at, lost: Number(known?.lost ?? 0), lostUnits };
    await recordActivity(sql, actor, { action: 'STREAM_ACCEPTED', subjectId: stream, before });
    return true;
  });
}
