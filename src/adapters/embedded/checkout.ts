import type { ProductId, SourceId } from '../../core/instance/purchase.ts';
import { parseStreamKey, streamOf } from '../../core/triggers/seckill-key.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import type { Buyer, BuyOutcome, Checkout } from '../../sale/checkout.ts';
import { BuyRound, type Earlier } from './buy-round.ts';
import { findSaleRow, type SaleRow, toStored } from './sale-row.ts';
import { issueTicketOn } from './tickets.ts';

/** Adds entries to a stream in the caller's transaction. @returns their ids */
type AddEntries = (sql: Sql, stream: string, entries: readonly (readonly string[])[]) => Promise<string[]>;

const buyersPerLook = 5_000;

/** The counterpart of the Redis scripts: each is a transaction that locks the sale's row. */
export function embeddedCheckout(database: Database, addEntries: AddEntries, onAdded: () => void): Checkout {
  return {
    async buy(productId, buyers) {
      const outcomes = await database.transaction((sql) => buyOn(sql, productId, buyers, addEntries));
      if (outcomes.some(({ kind }) => kind === 'accepted')) onAdded();
      return outcomes;
    },

    async readSale(productId, knows) {
      const stream = streamOf(productId);
      const row = await findSaleRow(database, stream);
      if (!row) return undefined;
      const life = `${row.number}`;
      const from = life === knows.life ? knows.count : 0;
      const [found] = await database.query<{ all: string; next: string[] }>(
        `SELECT (SELECT count(*) FROM embedded_sale_units WHERE stream = $1 AND number = $2)::text AS all,
           ARRAY (SELECT user_id::text FROM embedded_sale_units WHERE stream = $1 AND number = $2
             ORDER BY ordinal OFFSET $3 LIMIT $4) AS next`,
        [stream, row.number, from, knows.wantsMore ? buyersPerLook : 0],
      );
      return {
        ...{ life, from },
        number: row.number,
        secret: row.ticket_secret,
        sale: toStored(row),
        nowMs: row.now.getTime(),
        buyers: found?.next ?? [],
        buyerCount: Number(found?.all ?? 0),
      };
    },

    async listProducts() {
      const rows = await database.query<{ stream: string }>('SELECT stream FROM embedded_sales');
      return rows.map(({ stream }) => parseStreamKey(stream));
    },

    async findSecret(productId, number) {
      const [row] = await database.query<{ secret: string }>(
        'SELECT secret FROM embedded_sale_secrets WHERE stream = $1 AND number = $2',
        [streamOf(productId), number],
      );
      return row?.secret;
    },

    issueTicket: (productId, { userId, unit }) =>
      database.transaction((sql) => issueTicketOn(sql, streamOf(productId), userId.toString(), unit)),
  };
}

async function buyOn(
  sql: Sql,
  productId: ProductId,
  buyers: readonly Buyer[],
  addEntries: AddEntries,
): Promise<BuyOutcome[]> {
  const stream = streamOf(productId);
  const row = await findSaleRow(sql, stream, 'FOR UPDATE');
  if (!row) return buyers.map(() => ({ kind: 'SALE_NOT_FOUND' }));
  const earlier = await readEarlier(sql, stream, buyers);
  const round = new BuyRound(row, earlier);
  const decided = buyers.map((buyer) => round.decide(buyer));
  const entries = round.sold.map(({ userId, traceparent }) => {
    const seconds = String(Math.floor(row.now.getTime() / 1000));
    return ['uid', userId.toString(), 'ts', seconds, ...(traceparent ? ['traceparent', traceparent] : [])];
  });
  const ids = entries.length > 0 ? await addEntries(sql, stream, entries) : [];
  if (ids.length > 0) await record(sql, stream, row, round.sold, ids);
  return decided.map((decision): BuyOutcome => {
    if ('refusal' in decision) return { kind: decision.refusal };
    const streamId = 'entry' in decision ? decision.entry : ids[decision.ordinal];
    return { kind: decision.kind, streamId: streamId as SourceId };
  });
}

async function readEarlier(sql: Sql, stream: string, buyers: readonly Buyer[]): Promise<Earlier> {
  const users = numberArray(buyers.map(({ userId }) => userId));
  const held = await sql.query<{ user_id: string; bought: number; entry_id: string }>(
    `SELECT user_id::text, bought, entry_id FROM embedded_sale_buyers
     WHERE stream = $1 AND user_id = ANY ($2::bigint[])`,
    [stream, users],
  );
  const keys = await sql.query<{ name: string; entry_id: string }>(
    `SELECT user_id || ' key:' || idempotency_key AS name, entry_id FROM embedded_sale_keys
     JOIN unnest($2::bigint[], $3::text[]) AS asked (user_id, idempotency_key) USING (user_id, idempotency_key)
     WHERE stream = $1`,
    [stream, users, textArray(buyers.map(storedKeyOf))],
  );
  const used = await sql.query<{ name: string; entry_id: string; is_back: boolean }>(
    `SELECT number || '.' || user_id || '.' || unit AS name, entry_id, coalesce(restocked, FALSE) AS is_back
     FROM embedded_used_tickets
     JOIN unnest($2::int[], $3::bigint[], $4::int[]) AS asked (number, user_id, unit) USING (number, user_id, unit)
     LEFT JOIN embedded_sale_units USING (stream, entry_id, user_id, number) WHERE stream = $1`,
    [stream, ...ticketArrays(buyers)],
  );
  return {
    held: new Map(held.map((row) => [row.user_id, { count: row.bought, entry: row.entry_id }])),
    keys: new Map(keys.map((row) => [row.name, row.entry_id])),
    used: new Map(used.map((row) => [row.name, { entry: row.entry_id, isBack: row.is_back }])),
  };
}

async function record(
  sql: Sql,
  stream: string,
  { number }: SaleRow,
  sold: readonly Buyer[],
  ids: readonly string[],
): Promise<void> {
  const users = numberArray(sold.map(({ userId }) => userId));
  await sql.query(
    `UPDATE embedded_sales SET sold = sold + $2::bigint, remaining = remaining - least(remaining, $2::bigint),
       restocked = restocked - ($2::bigint - least(remaining, $2::bigint)) WHERE stream = $1`,
    [stream, sold.length],
  );
  await sql.query(
    `INSERT INTO embedded_sale_units (stream, entry_id, user_id, number)
     SELECT $1, entry_id, user_id, $4 FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS sold (entry_id, user_id, nth)
     ORDER BY nth`,
    [stream, textArray(ids), users, number],
  );
  await sql.query(
    `INSERT INTO embedded_sale_buyers (stream, user_id, bought, entry_id)
     SELECT $1, user_id, count(*), (array_agg(entry_id ORDER BY nth DESC))[1]
     FROM unnest($2::text[], $3::bigint[]) WITH ORDINALITY AS sold (entry_id, user_id, nth) GROUP BY user_id
     ON CONFLICT (stream, user_id) DO UPDATE SET bought = embedded_sale_buyers.bought + excluded.bought,
       entry_id = excluded.entry_id`,
    [stream, textArray(ids), users],
  );
  await sql.query(
    `INSERT INTO embedded_sale_keys (stream, user_id, idempotency_key, entry_id)
     SELECT $1, user_id, idempotency_key, entry_id FROM unnest($2::bigint[], $3::text[], $4::text[])
       AS sold (user_id, idempotency_key, entry_id) WHERE idempotency_key <> ''`,
    [stream, users, textArray(sold.map(storedKeyOf)), textArray(ids)],
  );
  await sql.query(
    `INSERT INTO embedded_used_tickets (stream, number, user_id, unit, entry_id)
     SELECT $1, number, user_id, unit, entry_id FROM unnest($2::int[], $3::bigint[], $4::int[], $5::text[])
       AS sold (number, user_id, unit, entry_id) WHERE number IS NOT NULL
     ON CONFLICT (stream, number, user_id, unit) DO UPDATE SET entry_id = excluded.entry_id`,
    [stream, ...ticketArrays(sold), textArray(ids)],
  );
}

/** With a ticket no idempotency key is stored. */
function storedKeyOf({ ticket, idempotencyKey }: Buyer): string {
  return ticket ? '' : (idempotencyKey ?? '');
}

/** Number, user and unit; NULL without a ticket. */
function ticketArrays(buyers: readonly Buyer[]): string[] {
  const toArray = (read: (ticket: NonNullable<Buyer['ticket']>) => bigint | number) =>
    `{${buyers.map(({ ticket }) => (ticket ? read(ticket) : 'NULL')).join(',')}}`;
  return [toArray(({ number }) => number), toArray(({ userId }) => userId), toArray(({ unit }) => unit)];
}
