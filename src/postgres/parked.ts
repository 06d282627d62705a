import type { ErrorCode } from '../errors.ts';
import type { Sql } from '../lib/sql.ts';

export interface ParkedItem {
  origin: 'STREAM' | 'OUTBOX';
  reason: ErrorCode;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  /** The bytes as they came. */
  original: Buffer;
}

export interface ParkedSummary {
  id: string;
  origin: string;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  parkedAt: Date;
}

/** Parking the same thing twice leaves it parked once, with its first reason. */
export async function parkItems(sql: Sql, items: readonly ParkedItem[]): Promise<void> {
  for (const item of items) {
    await sql.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (origin, source, scope, source_id) DO NOTHING`,
      [
        item.origin,
        item.reason,
        toText(item.detail),
        item.source,
        toText(item.scope),
        item.sourceId,
        item.original,
      ],
    );
  }
}

/** Newest first, below the id `before`. */
export async function listParked(
  sql: Sql,
  limit: number,
  before: string | undefined,
): Promise<ParkedSummary[]> {
  return sql.query<ParkedSummary>(
    `SELECT id::text, origin, reason, detail, source, scope, source_id AS "sourceId", parked_at AS "parkedAt"
     FROM parked WHERE id < coalesce($2::bigint, 9223372036854775807) ORDER BY parked.id DESC LIMIT $1`,
    [limit, before ?? null],
  );
}

/** PostgreSQL text holds no NUL and no lone surrogates; the untouched bytes are in `original`. */
function toText(value: string): string {
  return value.replaceAll('\0', '\u2400').toWellFormed();
}
