import { randomBytes } from 'node:crypto';
import { parseStreamKey, streamOf, streamPrefix } from '../../core/triggers/seckill-key.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import type { RecordActivity } from '../../ops/activity/activity.ts';
import { describeOpening, describeSaleChange } from '../../ops/activity/sale-activity.ts';
import { isSameSale, type SaleStore, type SaleTerms, stateOfSale, toSale } from '../../sale/sale.ts';
import { findSaleRow, type SaleRow, saleColumns, toStored } from './sale-row.ts';

/** The sale as rows; where Redis runs a script, this runs a transaction that locks the sale's row. */
export function embeddedSaleStore(database: Database, recordActivity: RecordActivity): SaleStore {
  return {
    open: (terms, actor) =>
      database.transaction(async (sql) => {
        const outcome = await openOn(sql, terms);
        if (outcome === 'opened') await recordActivity(sql, actor, describeOpening(terms));
        return outcome;
      }),

    async find(productId) {
      const row = await findSaleRow(database, streamOf(productId));
      return row && toSale(productId, toStored(row), row.now.getTime());
    },

    async list(limit, after) {
      const rows = await database.query<SaleRow>(
        `SELECT ${saleColumns} FROM embedded_sales WHERE (length(stream), stream) > (length($2::text), $2::text)
         ORDER BY length(stream), stream LIMIT $1`,
        [limit, `${streamPrefix}${after}`],
      );
      return rows.map((row) => toSale(parseStreamKey(row.stream), toStored(row), row.now.getTime()));
    },

    change: (productId, change, actor) =>
      database.transaction(async (sql) => {
        const { action, addStock = 0 } = change;
        const stream = streamOf(productId);
        const row = await findSaleRow(sql, stream, 'FOR UPDATE');
        if (!row) return undefined;
        if (stateOfSale(toStored(row), row.now.getTime()) === 'ENDED') return 'ended';
        await sql.query(
          `UPDATE embedded_sales SET stock = stock + $2, remaining = remaining + $2,
             is_paused = CASE $3 WHEN 'pause' THEN TRUE WHEN 'resume' THEN FALSE ELSE is_paused END,
             has_ended = has_ended OR $3 = 'end' WHERE stream = $1`,
          [stream, addStock, action ?? ''],
        );
        const changed = await findSaleRow(sql, stream);
        const recorded = changed && describeSaleChange(productId, change, toStored(row), toStored(changed));
        if (recorded) await recordActivity(sql, actor, recorded);
        return 'changed';
      }),
  };
}

async function openOn(sql: Sql, terms: SaleTerms): ReturnType<SaleStore['open']> {
  const stream = streamOf(terms.productId);
  const current = await findSaleRow(sql, stream, 'FOR UPDATE');
  const now = current?.now ?? (await readClock(sql));
  if (terms.endsAt && terms.endsAt <= now) return 'over';
  if (current && stateOfSale(toStored(current), now.getTime()) !== 'ENDED') {
    return isSameSale(current, terms) ? 'repeat' : 'conflict';
  }
  await sql.query(
    `INSERT INTO embedded_sales (stream, stock, opened_stock, remaining, per_user_limit, starts_at, ends_at, entry,
       admit_per_second, ticket_secret)
     VALUES ($1, $2, $2, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (stream) DO UPDATE SET number = embedded_sales.number + 1,
       stock = excluded.stock, opened_stock = excluded.stock, remaining = excluded.stock, sold = 0, restocked = 0,
       per_user_limit = excluded.per_user_limit, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
       entry = excluded.entry, admit_per_second = excluded.admit_per_second, ticket_secret = excluded.ticket_secret,
       next_ms = 0, tickets = 0, is_paused = FALSE, has_ended = FALSE`,
    [
      ...[stream, terms.stock, terms.perUserLimit, terms.startsAt ?? null, terms.endsAt ?? null],
      ...[terms.entry, terms.admitPerSecond ?? null, randomBytes(32).toString('hex')],
    ],
  );
  await sql.query(
    `INSERT INTO embedded_sale_secrets SELECT stream, number, ticket_secret FROM embedded_sales WHERE stream = $1`,
    [stream],
  );
  await sql.query('DELETE FROM embedded_sale_keys WHERE stream = $1', [stream]);
  await sql.query('DELETE FROM embedded_sale_buyers WHERE stream = $1', [stream]);
  await sql.query('DELETE FROM embedded_tickets WHERE stream = $1', [stream]);
  return 'opened';
}

async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (!row) throw new Error('the database returned no time');
  return row.now;
}
