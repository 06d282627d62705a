import type { Sql } from '../../lib/sql.ts';
import { type ChangedTermsRow, type StoredSale, termsOf } from '../../sale/sale.ts';

export interface SaleRow extends ChangedTermsRow {
  stream: string;
  number: number;
  sold: string;
  remaining: string;
  restocked: string;
  ticket_secret: string;
  tickets: string;
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
    ...termsOf(row),
    tickets: Number(row.tickets),
    sold: Number(row.sold),
    remaining: Number(row.remaining),
    restocked: Number(row.restocked),
  };
}
