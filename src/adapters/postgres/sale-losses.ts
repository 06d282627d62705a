import { numberArray, type Sql } from '../../lib/sql.ts';
import type { LedgerSale } from '../../sale/ledger.ts';
import { readParkedUnits } from './sale-units.ts';

export async function noteSeen(sql: Sql, sales: readonly { id: number; nth: number }[]): Promise<void> {
  if (sales.length === 0) return;
  await sql.query(
    `UPDATE sales SET seen_nth = greatest(seen_nth, seen.nth) FROM unnest($1::bigint[], $2::bigint[]) AS seen (id, nth)
     WHERE sales.id = seen.id`,
    [numberArray(sales.map(({ id }) => id)), numberArray(sales.map(({ nth }) => nth))],
  );
}

/** Unit numbers are issued again after a loss, so the loss is counted before the sale continues. */
export async function noteLoss(sql: Sql, sale: LedgerSale): Promise<number> {
  const parked = (await readParkedUnits(sql, sale.stream)).filter(({ saleId }) => saleId === sale.id);
  const [row] = await sql.query<{ found: number; last: string; seen: string }>(
    `SELECT count(*)::int AS found, coalesce(max(nth), 0)::text AS last, max(seen_nth)::text AS seen
     FROM sales LEFT JOIN sale_units ON sale_id = sales.id AND nth <= seen_nth WHERE sales.id = $1`,
    [sale.id],
  );
  const seen = Number(row?.seen ?? 0);
  const instances = row?.last === '0' ? 0 : (row?.found ?? 0);
  const lost = Math.max(0, seen - instances - parked.filter(({ nth }) => nth <= seen).length);
  const last = Math.max(Number(row?.last ?? 0), sale.lastNth, ...parked.map(({ nth }) => nth));
  await sql.query(
    `UPDATE sales SET lost = lost + $2, lost_at = CASE WHEN $2 > 0 THEN now() ELSE lost_at END, seen_nth = $3
     WHERE id = $1`,
    [sale.id, lost, last],
  );
  return lost;
}

/** Records that an operator accepts the loss. @returns how many units were lost */
export async function acceptLoss(sql: Sql, stream: string): Promise<number> {
  const rows = await sql.query<{ lost: string }>(
    `UPDATE sales SET lost = 0 FROM (SELECT id, lost FROM sales WHERE stream = $1 AND lost > 0 FOR UPDATE) AS before
     WHERE sales.id = before.id RETURNING before.lost::text`,
    [stream],
  );
  return rows.reduce((sum, { lost }) => sum + Number(lost), 0);
}
