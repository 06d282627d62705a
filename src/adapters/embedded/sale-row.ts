import type { Sql } from '../../lib/sql.ts';
import type { Entry, StoredSale } from '../../sale/sale.ts';

export interface SaleRow {
  stream: string;
  number: number;
  stock: string;
  opened_stock: string;
  sold: string;
  remaining: string;
  restocked: string;
  per_user_limit: number;
  starts_at: Date | null;
  ends_at: Date | null;
  entry: Entry;
  admit_per_second: number | null;
  ticket_secret: string;
  tickets: string;
  is_paused: boolean;
  has_ended: boolean;
  /** The store's clock, which decides when the sale is open. */
  now: Date;
}

export const saleColumns = `stream, number, stock::text, opened_stock::text, sold::text, remaining::text, restocked::text,
  per_user_limit, starts_at, ends_at, entry, admit_per_second, ticket_secret, tickets::text, is_paused, has_ended,
  clock_timestamp() AS now`;

export async function findSaleRow(
  sql: Sql,
  stream: string,
  lock: 'FOR UPDATE' | '' = '',
): Promise<SaleRow | undefined> {
  const [row] = await sql.query<SaleRow>(
    `SELECT ${saleColumns} FROM embedded_sales WHERE stream = $1 ${lock}`,
    [stream],
  );
  return row;
}

export function toStored(row: SaleRow): StoredSale {
  return {
    stock: Number(row.stock),
    perUserLimit: row.per_user_limit,
    startsAt: row.starts_at ?? undefined,
    endsAt: row.ends_at ?? undefined,
    entry: row.entry,
    admitPerSecond: row.admit_per_second ?? undefined,
    tickets: Number(row.tickets),
    sold: Number(row.sold),
    remaining: Number(row.remaining),
    restocked: Number(row.restocked),
    isPaused: row.is_paused,
    hasEnded: row.has_ended,
  };
}
