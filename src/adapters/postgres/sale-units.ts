import type { UserId } from '../../core/instance/purchase.ts';
import { parseSaleUnit } from '../../core/instance/purchase.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import type { LedgerUnit } from '../../sale/ledger.ts';

interface UnitRow {
  sale_id: string;
  nth: string;
  user_id: string;
  user_nth: number;
  source_id: string;
  ticket_unit: number | null;
  idempotency_key: string | null;
  is_back: boolean;
}

const unitsPerPage = 5_000;

/**
 * Every unit sold on a stream whose entry was read: those that became instances, and those of parked
 * entries, which an operator may still replay. A unit is back when its compensation is done.
 */
export async function* readUnits(database: Database, stream: string): AsyncGenerator<LedgerUnit[]> {
  // A compensation in progress would be missed; this waits for its lock until it is recorded.
  await database.query(
    `SELECT 1 FROM compensations WHERE kind = 'RESTOCK' AND status = 'REQUESTED' AND scope = $1 FOR SHARE`,
    [stream],
  );
  const parked = await readParkedUnits(database, stream);
  if (parked.length > 0) yield parked;
  for (let last: UnitRow | undefined; ; ) {
    const rows: UnitRow[] = await database.query<UnitRow>(
      `SELECT sale_id::text, nth::text, units.user_id::text, user_nth, units.source_id, ticket_unit, idempotency_key,
         coalesce(outcome = 'RESTOCKED', FALSE) AS is_back
       FROM sale_units AS units JOIN sales ON sales.id = sale_id
       LEFT JOIN compensations ON compensations.source = 'SECKILL' AND compensations.scope = sales.stream
         AND compensations.source_id = units.source_id
       WHERE sales.stream = $1 AND (sale_id, nth) > ($2::bigint, $3::bigint) ORDER BY sale_id, nth LIMIT ${unitsPerPage}`,
      [stream, last?.sale_id ?? '0', last?.nth ?? '0'],
    );
    if (rows.length > 0) yield rows.map(toUnit);
    if (rows.length < unitsPerPage) return;
    last = rows.at(-1);
  }
}

/** Excludes entries whose unit belongs to another entry. */
export async function readParkedUnits(sql: Sql, stream: string): Promise<LedgerUnit[]> {
  const rows = await sql.query<{ source_id: string; original: Uint8Array }>(
    `SELECT source_id, original FROM parked WHERE origin = 'STREAM' AND scope = $1 AND reason <> 'UNIT_SOLD_TWICE'
       AND state <> 'REPLAYED' ORDER BY id`,
    [stream],
  );
  return rows.flatMap(({ source_id, original }) => {
    const fields = readFields(original);
    const { unit } = parseSaleUnit(fields.get('unit'), fields.get('key'));
    const user = fields.get('uid');
    if (!unit || typeof user !== 'string' || !/^\d{1,19}$/.test(user)) return [];
    const { saleId, nth, ...rest } = unit;
    return [
      {
        ...{ ...rest, saleId: Number(saleId), nth: Number(nth), entryId: source_id },
        ...{ userId: BigInt(user) as UserId, isBack: false },
      },
    ];
  });
}

/** Alternating names and values, as they were parked (core/triggers/seckill-stream.ts). */
function readFields(original: Uint8Array): Map<unknown, unknown> {
  const parts: unknown[] = original.length === 0 ? [] : JSON.parse(Buffer.from(original).toString());
  const fields = new Map<unknown, unknown>();
  for (let i = 0; i + 1 < parts.length; i += 2) fields.set(parts[i], parts[i + 1]);
  return fields;
}

function toUnit(row: UnitRow): LedgerUnit {
  return {
    saleId: Number(row.sale_id),
    nth: Number(row.nth),
    userId: BigInt(row.user_id) as UserId,
    userNth: row.user_nth,
    entryId: row.source_id,
    ticketUnit: row.ticket_unit ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    isBack: row.is_back,
  };
}
