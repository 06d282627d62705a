import { randomBytes } from 'node:crypto';
import type { Actor } from '../../core/actor.ts';
import type { ProductId } from '../../core/instance/purchase.ts';
import { streamOf } from '../../core/triggers/seckill-key.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { describeOpening, describeSaleChange } from '../../ops/activity/sale-activity.ts';
import type { LedgerOpening, LedgerSale, SaleLedger } from '../../sale/ledger.ts';
import { type ChangedTermsRow, isSameSale, type SaleTerms, termsOf } from '../../sale/sale.ts';
import { recordActivity } from './activity.ts';
import { noteLoss, noteSeen } from './sale-losses.ts';
import { readUnits } from './sale-units.ts';

interface SaleRow extends ChangedTermsRow {
  id: string;
  stream: string;
  product_id: string;
  secret: string;
  version: number;
  last_nth: string;
  seen_nth: string;
  is_over: boolean;
}

const columns = `id::text, stream, product_id::text, opened_stock::text, stock::text, per_user_limit, starts_at, ends_at,
  entry, admit_per_second, secret, is_paused, has_ended, version, seen_nth::text,
  coalesce((SELECT max(nth) FROM sale_units WHERE sale_units.sale_id = sales.id), 0)::text AS last_nth,
  (has_ended OR coalesce(ends_at <= clock_timestamp(), FALSE)) AS is_over`;

/** The sales that Weir runs in Redis (table sales), and their units (table sale_units). */
export function postgresSaleLedger(database: Database): SaleLedger {
  return {
    open: (terms, actor) => database.transaction((sql) => openOn(sql, terms, actor)),

    change: (productId, change, actor) =>
      database.transaction(async (sql) => {
        const row = await findLatest(sql, productId, 'FOR UPDATE');
        if (!row) return undefined;
        if (row.is_over) return 'ended';
        const [changed] = await sql.query<SaleRow>(
          `UPDATE sales SET stock = stock + $2, version = version + 1,
             is_paused = CASE $3 WHEN 'pause' THEN TRUE WHEN 'resume' THEN FALSE ELSE is_paused END,
             has_ended = $3 = 'end', ended_at = CASE $3 WHEN 'end' THEN now() END
           WHERE id = $1 RETURNING ${columns}`,
          [row.id, change.addStock ?? 0, change.action ?? ''],
        );
        if (!changed) return undefined;
        const sale = toSale(changed);
        const recorded = describeSaleChange(productId, change, toSale(row), sale);
        if (recorded) await recordActivity(sql, actor, recorded);
        return sale;
      }),

    async find(productId) {
      const row = await findLatest(database, productId);
      return row && toSale(row);
    },

    async list(limit, after) {
      const rows = await database.query<SaleRow>(
        `SELECT ${columns} FROM sales WHERE id IN (
           SELECT max(id) FROM sales WHERE product_id > $2 GROUP BY product_id ORDER BY product_id LIMIT $1)
         ORDER BY sales.product_id`,
        [limit, after.toString()],
      );
      return rows.map(toSale);
    },

    async listCurrent() {
      const rows = await database.query<SaleRow>(
        `SELECT ${columns} FROM sales
         WHERE coalesce(ended_at, ends_at, 'infinity') > now() - interval '1 day' AND NOT EXISTS (
           SELECT 1 FROM sales AS later WHERE later.product_id = sales.product_id AND later.id > sales.id)
         ORDER BY sales.id`,
      );
      return rows.map(toSale);
    },

    async listProducts() {
      const rows = await database.query<{ product_id: string }>(
        'SELECT DISTINCT product_id::text FROM sales',
      );
      return rows.map(({ product_id }) => BigInt(product_id) as ProductId);
    },

    async findSecret(productId, id) {
      const [row] = await database.query<{ secret: string }>(
        'SELECT secret FROM sales WHERE id = $1 AND product_id = $2',
        [id, productId.toString()],
      );
      return row?.secret;
    },

    noteSeen: (sales) => noteSeen(database, sales),
    noteLoss: (sale) => database.transaction((sql) => noteLoss(sql, sale)),
    readUnits: (stream) => readUnits(database, stream),
  };
}

async function openOn(sql: Sql, terms: SaleTerms, actor: Actor): Promise<LedgerOpening> {
  const stream = streamOf(terms.productId);
  // Two calls that open the first sale of a product have no common row to lock.
  await sql.query('SELECT pg_advisory_xact_lock(7306102, hashtext($1))', [stream]);
  const current = await findLatest(sql, terms.productId, 'FOR UPDATE');
  const [row] = await sql.query<{ is_over: boolean }>(
    'SELECT coalesce($1::timestamptz <= clock_timestamp(), FALSE) AS is_over',
    [terms.endsAt ?? null],
  );
  if (row?.is_over) return { outcome: 'over' };
  if (current && !current.is_over) {
    return isSameSale(current, terms)
      ? { outcome: 'repeat', sale: toSale(current) }
      : { outcome: 'conflict' };
  }
  const [opened] = await sql.query<SaleRow>(
    `INSERT INTO sales (stream, product_id, opened_stock, stock, per_user_limit, starts_at, ends_at, entry,
       admit_per_second, secret)
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9) RETURNING ${columns}`,
    [
      ...[stream, terms.productId.toString(), terms.stock, terms.perUserLimit],
      ...[terms.startsAt ?? null, terms.endsAt ?? null, terms.entry, terms.admitPerSecond ?? null],
      randomBytes(32).toString('hex'),
    ],
  );
  if (!opened) throw new Error('the INSERT of the sale returned no row');
  await recordActivity(sql, actor, describeOpening(terms));
  return { outcome: 'opened', sale: toSale(opened) };
}

async function findLatest(
  sql: Sql,
  productId: ProductId,
  lock: 'FOR UPDATE' | '' = '',
): Promise<SaleRow | undefined> {
  const [row] = await sql.query<SaleRow>(
    `SELECT ${columns} FROM sales WHERE product_id = $1 ORDER BY sales.id DESC LIMIT 1 ${lock}`,
    [productId.toString()],
  );
  return row;
}

function toSale(row: SaleRow): LedgerSale {
  return {
    id: Number(row.id),
    stream: row.stream,
    productId: BigInt(row.product_id) as ProductId,
    ...termsOf(row),
    secret: row.secret,
    version: row.version,
    lastNth: Number(row.last_nth),
    seenNth: Number(row.seen_nth),
  };
}
