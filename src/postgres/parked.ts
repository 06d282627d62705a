import type { WeirError } from '../errors.ts';
import type { Database, Sql } from '../lib/sql.ts';
import { encodeMessage } from '../outbox/frame.ts';
import type { FrameKind } from '../outbox/relay.ts';
import type { NewParkedItem, ParkedDetail, ParkedFilter, ParkedItem } from '../parked/parked-item.ts';
import type { ParkedRows, Resolution } from '../parked/replay.ts';

/** What an item of the outbox carries beside its bytes: enough to announce it later as it would have been. */
export interface ParkedMessage {
  messageId: string;
  messageType: string;
  kind: FrameKind;
  /** More than one for a frame that cannot be read. */
  events: number;
}

/** Parking the same thing twice leaves it parked once, with its first reason; one replayed before is parked anew. */
export async function parkItems(
  sql: Sql,
  items: readonly (NewParkedItem & Partial<ParkedMessage>)[],
): Promise<void> {
  for (const item of items) {
    await sql.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original, message_id, message_type, kind,
         events)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
       ON CONFLICT (origin, source, scope, source_id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,
         original = excluded.original, message_id = excluded.message_id, message_type = excluded.message_type,
         kind = excluded.kind, events = excluded.events, parked_at = now(), state = 'PARKED', resolved_at = NULL,
         resolved_by = NULL, resolution = NULL
       WHERE parked.state = 'REPLAYED' OR (excluded.kind = 'CREATED' AND parked.kind <> 'CREATED')`,
      [
        item.origin,
        item.reason,
        toText(item.detail),
        item.source,
        toText(item.scope),
        item.sourceId,
        item.original,
        item.messageId ?? '',
        item.messageType ?? '',
        item.kind ?? '',
        item.events ?? 1,
      ],
    );
  }
}

const columns = `id::text, origin, reason, detail, source, scope, source_id AS "sourceId", parked_at AS "parkedAt", state,
  attempts, resolved_at AS "resolvedAt", resolved_by AS "resolvedBy", resolution, instance_id::text AS "instanceId"`;

/** Newest first, below the id `before`. */
export async function listParked(
  sql: Sql,
  filter: ParkedFilter,
  limit: number,
  before: string | undefined,
): Promise<ParkedItem[]> {
  const values: unknown[] = [limit, before ?? '9223372036854775807'];
  const { state = 'PARKED', ...equal } = filter;
  const conditions = Object.entries({ ...equal, ...(state === 'ALL' ? {} : { state }) })
    .filter(([, value]) => value !== undefined)
    // The names come from ParkedFilter, never from a request.
    .map(([column, value]) => `AND ${column} = $${values.push(value)}`);
  return sql.query<ParkedItem>(
    `SELECT ${columns} FROM parked WHERE id < $2::bigint ${conditions.join(' ')} ORDER BY parked.id DESC LIMIT $1`,
    values,
  );
}

export function postgresParked(database: Database): ParkedRows {
  return {
    findParked: (id) => findParked(database, id),
    resolveParked: (id, resolution) => resolveParked(database, id, resolution),
    returnToOutbox: (id, resolution) => database.transaction((sql) => returnToOutbox(sql, id, resolution)),
    noteFailedReplay: (id, error) => noteFailedReplay(database, id, error),
  };
}

async function findParked(sql: Sql, id: string): Promise<ParkedDetail | undefined> {
  const [row] = await sql.query<ParkedDetail>(`SELECT ${columns}, original FROM parked WHERE id = $1`, [id]);
  return row && { ...row, original: Buffer.from(row.original) };
}

async function resolveParked(sql: Sql, id: string, resolution: Resolution): Promise<boolean> {
  const rows = await sql.query(
    `UPDATE parked SET state = $2, resolved_at = now(), resolved_by = $3, resolution = $4,
       instance_id = coalesce($5::bigint, instance_id)
     WHERE id = $1 AND state = 'PARKED' RETURNING id`,
    [id, resolution.state, resolution.by, toText(resolution.resolution), resolution.instanceId ?? null],
  );
  return rows.length > 0;
}

/** With the kind it had: the audit counts an announcement once, wherever it has been meanwhile. */
async function returnToOutbox(sql: Sql, id: string, resolution: Resolution): Promise<boolean> {
  if (!(await resolveParked(sql, id, resolution))) return false;
  const [row] = await sql.query<{
    message_id: string;
    message_type: string;
    kind: FrameKind;
    events: number;
    original: Buffer;
    reason: string;
  }>('SELECT message_id, message_type, kind, events, original, reason FROM parked WHERE id = $1', [id]);
  if (!row) return false;
  const bytes = Buffer.from(row.original);
  // A damaged frame goes back as it is: a newer program may be able to read it.
  const frame =
    row.reason === 'FRAME_DAMAGED'
      ? bytes
      : encodeMessage({ id: row.message_id, type: row.message_type, body: bytes });
  await sql.query('INSERT INTO outbox (events, frame, kind) VALUES ($1, $2, $3)', [
    row.events,
    frame,
    row.kind,
  ]);
  return true;
}

async function noteFailedReplay(sql: Sql, id: string, error: WeirError): Promise<void> {
  await sql.query(
    "UPDATE parked SET attempts = attempts + 1, reason = $2, detail = $3 WHERE id = $1 AND state = 'PARKED'",
    [id, error.code, toText(error.message)],
  );
}

/** PostgreSQL text holds no NUL and no lone surrogates; the untouched bytes are in `original`. */
function toText(value: string): string {
  return value.replaceAll('\0', '\u2400').toWellFormed();
}
