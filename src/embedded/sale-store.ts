import type { ProductId, SourceId } from '../instance/purchase.ts';
import type { Database, Sql } from '../lib/sql.ts';
import { type Buyer, type BuyOutcome, type SaleStore, type StoredSale, toSale } from '../sale/sale.ts';
import { streamPrefix } from '../triggers/seckill-stream.ts';

interface SaleRow {
  number: number;
  stock: string;
  opened_stock: string;
  sold: string;
  remaining: string;
  given_back: string;
  per_user_limit: number;
  starts_at: Date | null;
  ends_at: Date | null;
  is_paused: boolean;
  has_ended: boolean;
  now: Date;
}

/** Puts one entry on a stream in the caller's transaction. @returns its id */
export type AddEntry = (sql: Sql, stream: string, fields: readonly string[]) => Promise<string>;

/** The sale as rows: what a script does in Redis is a transaction that holds the sale's row. */
export function embeddedSaleStore(database: Database, addEntry: AddEntry, onAdded: () => void): SaleStore {
  return {
    open: (terms) =>
      database.transaction(async (sql) => {
        const stream = streamOf(terms.productId);
        const current = await findRow(sql, stream);
        const now = current?.now ?? (await readClock(sql));
        if (terms.endsAt && terms.endsAt <= now) return 'over';
        if (current && toSale(terms.productId, toStored(current), now.getTime()).state !== 'ENDED') {
          return isSame({ ...toStored(current), stock: Number(current.opened_stock) }, terms)
            ? 'repeat'
            : 'conflict';
        }
        await sql.query(
          `INSERT INTO embedded_sales (stream, stock, opened_stock, remaining, per_user_limit, starts_at, ends_at)
           VALUES ($1, $2, $2, $2, $3, $4, $5) ON CONFLICT (stream) DO UPDATE SET number = embedded_sales.number + 1,
             stock = excluded.stock, opened_stock = excluded.stock, remaining = excluded.stock, sold = 0, given_back = 0,
             per_user_limit = excluded.per_user_limit, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
             is_paused = FALSE, has_ended = FALSE`,
          [stream, terms.stock, terms.perUserLimit, terms.startsAt ?? null, terms.endsAt ?? null],
        );
        await sql.query('DELETE FROM embedded_sale_buyers WHERE stream = $1', [stream]);
        return 'opened';
      }),

    async find(productId) {
      const row = await findRow(database, streamOf(productId));
      return row && toSale(productId, toStored(row), row.now.getTime());
    },

    change: (productId, { action, addStock = 0 }) =>
      database.transaction(async (sql) => {
        const stream = streamOf(productId);
        const row = await findRow(sql, stream, 'FOR UPDATE');
        if (!row) return undefined;
        if (toSale(productId, toStored(row), row.now.getTime()).state === 'ENDED') return 'ended';
        await sql.query(
          `UPDATE embedded_sales SET stock = stock + $2, remaining = remaining + $2,
             is_paused = CASE $3 WHEN 'pause' THEN TRUE WHEN 'resume' THEN FALSE ELSE is_paused END,
             has_ended = has_ended OR $3 = 'end' WHERE stream = $1`,
          [stream, addStock, action ?? ''],
        );
        return 'changed';
      }),

    async buy(buyer) {
      const outcome = await database.transaction((sql) => buyOn(sql, buyer, addEntry));
      if (outcome.kind === 'accepted') onAdded();
      return outcome;
    },
  };
}

async function buyOn(sql: Sql, buyer: Buyer, addEntry: AddEntry): Promise<BuyOutcome> {
  const { productId, userId, idempotencyKey, traceparent } = buyer;
  const stream = streamOf(productId);
  const row = await findRow(sql, stream, 'FOR UPDATE');
  if (!row) return { kind: 'SALE_UNKNOWN' };
  const earlier = await findEarlier(sql, stream, buyer, row.per_user_limit);
  if (earlier.entryId) return { kind: 'repeat', streamId: earlier.entryId as SourceId };
  const { state } = toSale(productId, toStored(row), row.now.getTime());
  if (state === 'ENDED' || state === 'PAUSED') return { kind: state };
  if (state === 'SCHEDULED') return { kind: 'NOT_STARTED' };
  if (earlier.held >= row.per_user_limit) return { kind: 'LIMIT_REACHED' };
  if (state === 'SOLD_OUT') return { kind: 'SOLD_OUT' };

  const seconds = String(Math.floor(row.now.getTime() / 1000));
  const trace = traceparent ? ['traceparent', traceparent] : [];
  const entryId = await addEntry(sql, stream, ['uid', userId.toString(), 'ts', seconds, ...trace]);
  await sql.query(
    `UPDATE embedded_sales SET sold = sold + 1, remaining = remaining - (remaining > 0)::int,
       given_back = given_back - (remaining = 0)::int WHERE stream = $1`,
    [stream],
  );
  await sql.query(
    'INSERT INTO embedded_sale_units (stream, entry_id, user_id, number) VALUES ($1, $2, $3, $4)',
    [stream, entryId, userId.toString(), row.number],
  );
  await sql.query(
    `INSERT INTO embedded_sale_buyers (stream, user_id, bought, entry_id) VALUES ($1, $2, 1, $3)
     ON CONFLICT (stream, user_id) DO UPDATE SET bought = embedded_sale_buyers.bought + 1, entry_id = excluded.entry_id`,
    [stream, userId.toString(), entryId],
  );
  if (idempotencyKey) {
    await sql.query('INSERT INTO embedded_sale_keys VALUES ($1, $2, $3, $4)', [
      stream,
      userId.toString(),
      idempotencyKey,
      entryId,
    ]);
  }
  return { kind: 'accepted', streamId: entryId as SourceId };
}

/** The entry that a repeat is answered with, and how many units the buyer holds. */
async function findEarlier(
  sql: Sql,
  stream: string,
  { userId, idempotencyKey }: Buyer,
  limit: number,
): Promise<{ entryId: string | undefined; held: number }> {
  const [row] = await sql.query<{ by_key: string | null; bought: number; entry_id: string | null }>(
    `SELECT (SELECT entry_id FROM embedded_sale_keys WHERE stream = $1 AND user_id = $2 AND idempotency_key = $3) AS by_key,
       coalesce((SELECT bought FROM embedded_sale_buyers WHERE stream = $1 AND user_id = $2), 0) AS bought,
       (SELECT entry_id FROM embedded_sale_buyers WHERE stream = $1 AND user_id = $2) AS entry_id`,
    [stream, userId.toString(), idempotencyKey ?? ''],
  );
  const held = row?.bought ?? 0;
  const ofBuyer = limit === 1 && held >= 1 ? row?.entry_id : undefined;
  return { entryId: row?.by_key ?? ofBuyer ?? undefined, held };
}

/** With the store's clock, which is the one that decides. */
async function findRow(sql: Sql, stream: string, lock: 'FOR UPDATE' | '' = ''): Promise<SaleRow | undefined> {
  const [row] = await sql.query<SaleRow>(
    `SELECT number, stock::text, opened_stock::text, sold::text, remaining::text, given_back::text, per_user_limit, starts_at, ends_at,
       is_paused, has_ended, clock_timestamp() AS now FROM embedded_sales WHERE stream = $1 ${lock}`,
    [stream],
  );
  return row;
}

async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  if (!row) throw new Error('the database does not tell the time');
  return row.now;
}

function toStored(row: SaleRow): StoredSale {
  return {
    stock: Number(row.stock),
    perUserLimit: row.per_user_limit,
    startsAt: row.starts_at ?? undefined,
    endsAt: row.ends_at ?? undefined,
    sold: Number(row.sold),
    left: Number(row.remaining),
    givenBack: Number(row.given_back),
    isPaused: row.is_paused,
    hasEnded: row.has_ended,
  };
}

function isSame(
  stored: StoredSale,
  terms: Pick<StoredSale, 'stock' | 'perUserLimit' | 'startsAt' | 'endsAt'>,
): boolean {
  return (
    stored.stock === terms.stock &&
    stored.perUserLimit === terms.perUserLimit &&
    stored.startsAt?.getTime() === terms.startsAt?.getTime() &&
    stored.endsAt?.getTime() === terms.endsAt?.getTime()
  );
}

function streamOf(productId: ProductId): string {
  return `${streamPrefix}${productId}`;
}
