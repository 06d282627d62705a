import type { BatchKind } from '../../core/outbox/outbox.ts';
import { encodeMessage } from '../../core/outbox/outbox-batch.ts';
import type { DeadLetterKind } from '../../core/parked/dead-letter.ts';
import type { NewParkedItem, ParkedDetail } from '../../core/parked/parked-item.ts';
import type { JobLease } from '../../core/parked/parked-job.ts';
import type { ParkedRows, Resolution } from '../../core/parked/replay.ts';
import type { WeirError } from '../../errors.ts';
import { shortenKey } from '../../lib/shorten-key.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { holdJob, noteFailedJobItem, noteJobItem } from './parked-job-items.ts';
import { findParked } from './parked-queries.ts';
import { requeueParkedUnit, waiveParkedUnit } from './parked-units.ts';
import { toText } from './to-text.ts';

/** What an outbox item carries in addition to its bytes: enough to publish it later unchanged. */
interface ParkedMessage {
  messageId: string;
  messageType: string;
  kind: DeadLetterKind;
  /** More than one for a batch that cannot be read. */
  events: number;
}

type NewItem = NewParkedItem & Partial<ParkedMessage> & { instanceId?: bigint | undefined };

/**
 * Size of one statement: safe for PostgreSQL and the driver, and large enough that few statements park many
 * items.
 */
const maxStatementBytes = 8 * 1024 * 1024;

/**
 * Parks all items or none. Parking an item twice leaves it parked once, with its first reason; an item that
 * was replayed before is parked again.
 */
export async function parkItems(sql: Sql | Database, items: readonly NewItem[]): Promise<void> {
  const statements = splitBySize(removeRepeats(items));
  const parkAll = async (on: Sql) => {
    for (const some of statements) await parkSome(on, some);
  };
  if (statements.length > 1 && 'transaction' in sql) await sql.transaction(parkAll);
  else await parkAll(sql);
}

/** Sorted by key, so that two processes that park the same items cannot deadlock. */
function removeRepeats(items: readonly NewItem[]): NewItem[] {
  const byKey = new Map<string, NewItem>();
  for (const item of items) {
    const key = JSON.stringify([item.origin, item.source, item.scope, item.sourceId]);
    const first = byKey.get(key);
    if (!first || (item.kind === 'CREATED' && first.kind !== 'CREATED')) byKey.set(key, item);
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function splitBySize(items: readonly NewItem[]): NewItem[][] {
  const parts: NewItem[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const item of items) {
    bytes += item.original.length;
    if (bytes > maxStatementBytes) {
      parts.push([]);
      bytes = item.original.length;
    }
    parts.at(-1)?.push(item);
  }
  return parts;
}

async function parkSome(sql: Sql, items: readonly NewItem[]): Promise<void> {
  const texts = (of: (item: NewItem) => string) => textArray(items.map(of));
  await sql.query(
    `INSERT INTO parked (origin, reason, detail, params, source, scope, source_id, original, message_id, message_type,
       kind, events, instance_id)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[],
       $8::bytea[], $9::text[], $10::text[], $11::text[], $12::int[], $13::bigint[])
     ON CONFLICT (origin, source, scope, source_id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,
       params = excluded.params, original = excluded.original,
       message_id = excluded.message_id, message_type = excluded.message_type,
       kind = excluded.kind, events = excluded.events, parked_at = now(), state = 'PARKED', resolved_at = NULL,
       resolved_by = NULL, resolution = NULL, resolution_params = NULL, job_id = NULL,
       instance_id = coalesce(excluded.instance_id, parked.instance_id)
     -- A message that is dead-lettered again is a new item, even if the earlier one was discarded.
     WHERE parked.state = 'REPLAYED' OR (parked.state = 'DISCARDED' AND parked.origin = 'DEAD_LETTER')
       OR (excluded.kind = 'CREATED' AND parked.kind <> 'CREATED')`,
    [
      texts(({ origin }) => origin),
      texts(({ reason }) => reason),
      texts(({ detail }) => toText(detail)),
      texts(({ params = {} }) => toJson(params)),
      texts(({ source }) => source),
      texts(({ scope }) => shortenKey(toText(scope))),
      texts(({ sourceId }) => shortenKey(toText(sourceId))),
      texts(({ original }) => `\\x${original.toString('hex')}`),
      texts(({ messageId = '' }) => messageId),
      texts(({ messageType = '' }) => messageType),
      texts(({ kind = '' }) => kind),
      numberArray(items.map(({ events = 1 }) => events)),
      `{${items.map(({ instanceId }) => instanceId ?? 'NULL').join(',')}}`,
    ],
  );
}

export function postgresParked(database: Database): ParkedRows {
  const commit = <T>(work: (sql: Sql) => Promise<T>) => database.transaction(work);
  return {
    findParked: async (id) => (await findParked(database, [id]))[0],
    resolveParked: (id, resolution) => commit((sql) => resolveParked(sql, id, resolution)),
    returnToOutbox: (id, resolution) => commit((sql) => returnToOutbox(sql, id, resolution)),
    decideUnit: (item, resolution) => commit((sql) => decideUnit(sql, item, resolution)),
    noteFailedReplay: (id, error, job) => commit((sql) => noteFailedReplay(sql, id, error, job)),
  };
}

async function resolveParked(
  sql: Sql,
  id: string,
  { state, actor, statement, instanceId, job }: Resolution,
): Promise<boolean> {
  if (job) await holdJob(sql, job);
  const rows = await sql.query(
    `WITH resolved AS (
       UPDATE parked SET state = $2, resolved_at = now(), resolved_by = $3, resolution = $4,
         resolution_params = $6::jsonb, instance_id = coalesce($5::bigint, instance_id), job_id = $7
       WHERE id = $1 AND state = 'PARKED' RETURNING id, origin, scope, source_id
     ), payment AS (
       UPDATE payments SET outcome = CASE $2 WHEN 'DISCARDED' THEN 'DISCARDED' ELSE 'INSTANCE' END FROM resolved
       WHERE origin = 'PAYMENT' AND order_id = source_id AND payment_key = scope AND outcome = 'PARKED'
         AND ($2 = 'DISCARDED' OR $5::bigint IS NOT NULL)
     ) SELECT id FROM resolved`,
    [id, state, actor.name, statement.code, instanceId ?? null, toJson(statement.params), job?.jobId ?? null],
  );
  if (rows.length === 0) return false;
  // The record of a job names the items of a step together.
  if (job) {
    await noteJobItem(sql, job, id);
    return true;
  }
  const after = { state, resolution: statement.code, ...statement.params, instanceId };
  const action = state === 'REPLAYED' ? 'PARKED_REPLAYED' : 'PARKED_DISCARDED';
  await recordActivity(sql, actor, { action, subjectId: id, before: { state: 'PARKED' }, after });
  return true;
}

export function toJson(params: Readonly<Record<string, string>>): string {
  const texts = Object.entries(params).map(([name, text]) => [name, toText(text)]);
  return JSON.stringify(Object.fromEntries(texts));
}

/**
 * Returns it with its original kind: the audit counts a publication once, whatever happened to it
 * meanwhile.
 */
async function returnToOutbox(sql: Sql, id: string, resolution: Resolution): Promise<boolean> {
  if (!(await resolveParked(sql, id, resolution))) return false;
  const [row] = await sql.query<{
    message_id: string;
    message_type: string;
    kind: BatchKind;
    events: number;
    original: Buffer;
    reason: string;
  }>('SELECT message_id, message_type, kind, events, original, reason FROM parked WHERE id = $1', [id]);
  if (!row) return false;
  const bytes = Buffer.from(row.original);
  // A damaged batch is returned unchanged: a newer program may be able to read it.
  const batch =
    row.reason === 'OUTBOX_BATCH_CORRUPT'
      ? bytes
      : encodeMessage({ id: row.message_id, type: row.message_type, body: bytes });
  await sql.query('INSERT INTO outbox (events, batch, kind) VALUES ($1, $2, $3)', [
    row.events,
    batch,
    row.kind,
  ]);
  return true;
}

/** Replaying the item requests the unit's restock again; discarding it ends the compensation. */
async function decideUnit(
  sql: Sql,
  { id, scope, sourceId }: ParkedDetail,
  resolution: Resolution,
): Promise<boolean> {
  if (!(await resolveParked(sql, id, resolution))) return false;
  const decide = resolution.state === 'REPLAYED' ? requeueParkedUnit : waiveParkedUnit;
  await decide(sql, scope, sourceId);
  return true;
}

async function noteFailedReplay(
  sql: Sql,
  id: string,
  error: WeirError,
  job: JobLease | undefined,
): Promise<void> {
  if (job) await holdJob(sql, job);
  const rows = await sql.query(
    `UPDATE parked SET attempts = attempts + 1, reason = $2, detail = $3, params = $4::jsonb
     WHERE id = $1 AND state = 'PARKED' RETURNING id`,
    [id, error.code, toText(error.message), toJson(error.params)],
  );
  if (job && rows.length > 0) await noteFailedJobItem(sql, job, id, error);
}
