import { describe, expect, test } from 'vitest';
import { embeddedCheckout } from '../../src/adapters/embedded/checkout.ts';
import { embeddedSaleCounters } from '../../src/adapters/embedded/sale-counters.ts';
import { embeddedSaleStore } from '../../src/adapters/embedded/sale-store.ts';
import { addEntries } from '../../src/adapters/embedded/seckill-streams.ts';
import { recordActivity } from '../../src/adapters/postgres/activity.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import type { SaleCounters } from '../../src/core/compensation/restock.ts';
import type { ProductId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { Buyer, Checkout, CheckoutOutcome, KnownBuyers } from '../../src/sale/checkout.ts';
import type { SaleStore, SaleTerms } from '../../src/sale/sale.ts';
import { createActor } from '../support/actors.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openRedisSales, saleTerms } from '../support/sales.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
} from '../support/stores.ts';

const product = 1001n as ProductId;
const stream = 'stream:seckill:1001';

interface Store {
  sales: SaleStore;
  checkout: Checkout;
  counters: SaleCounters;
  /** `id uid` of every entry on the stream. */
  readEntries(): Promise<string[]>;
}

function openEmbedded(database: Database): Store {
  return {
    sales: embeddedSaleStore(database, recordActivity),
    checkout: embeddedCheckout(database, addEntries, () => {}),
    counters: embeddedSaleCounters(database),
    async readEntries() {
      const rows = await database.query<{ entry_id: string; fields: string[] }>(
        'SELECT entry_id, fields FROM embedded_stream WHERE stream = $1 ORDER BY entry',
        [stream],
      );
      return rows.map(({ entry_id, fields }) => `${entry_id} ${fields[1]}`);
    },
  };
}

const stores: Record<string, () => Promise<Store>> = {
  async Redis() {
    const redis = connectTestRedis(await createRedisDatabase());
    return {
      ...(await openRedisSales(redis)),
      counters: redisSaleCounters(redis),
      readEntries: async () =>
        (await redis.xrange(stream, '-', '+')).map(([id, fields]) => `${id} ${fields[1]}`),
    };
  },
  'PGlite tables': async () => openEmbedded(await openTestPglite()),
  'PostgreSQL tables': async () => openEmbedded(await openTestPostgres()),
};

const terms = saleTerms;
const knows = (part: Partial<KnownBuyers> = {}): KnownBuyers => ({
  ...{ life: '', count: 0, last: '', wantsMore: true },
  ...part,
});
const inAnHour = () => new Date(Date.now() + 3_600_000);
const nameOf = (outcome: CheckoutOutcome) => outcome.kind;
const entryOf = (outcome: CheckoutOutcome) => ('streamId' in outcome ? outcome.streamId : '');

describe.each(Object.keys(stores))('a sale in %s', (name) => {
  async function setUp(part?: Partial<SaleTerms>) {
    const store = await (stores[name] as (typeof stores)[string])();
    if (part) expect(await store.sales.open(terms(part), createActor())).toBe('opened');
    const buyer = (user: number, part: Partial<Buyer> = {}): Buyer => ({
      userId: BigInt(user) as UserId,
      idempotencyKey: undefined,
      ticket: undefined,
      ...part,
    });
    const buy = async (user: number, part: Partial<Buyer> = {}) => {
      const [outcome] = await store.checkout.buy(product, [buyer(user, part)]);
      return outcome as CheckoutOutcome;
    };
    const buyAll = async (...users: number[]) => {
      const outcomes: CheckoutOutcome[] = [];
      for (const user of users) outcomes.push(await buy(user));
      return outcomes;
    };
    const restock = (outcome: CheckoutOutcome, user: number) =>
      store.counters.restock([
        { stream, entryId: entryOf(outcome) as SourceId, userId: BigInt(user) as UserId },
      ]);
    /** state, stock, sold, remaining, restocked */
    const read = async () => {
      const sale = await store.sales.find(product);
      return sale && [sale.state, sale.stock, sale.sold, sale.remaining, sale.restocked];
    };
    const takeTicket = async (user: number, unit = 1) => {
      const outcome = await store.checkout.issueTicket(product, { userId: BigInt(user) as UserId, unit });
      const ticket = 'number' in outcome && {
        productId: product,
        userId: BigInt(user) as UserId,
        unit,
        number: outcome.number,
        admittedAtMs: outcome.admittedAtMs,
      };
      return { outcome, ticket: ticket || undefined };
    };
    return { ...store, buyer, buy, buyAll, restock, read, takeTicket };
  }

  test('a sale sells its stock, each unit as an entry on the stream, and no more', async () => {
    const { buyAll, read, readEntries } = await setUp({});
    expect(await read()).toEqual(['OPEN', 3, 0, 3, 0]);
    const outcomes = await buyAll(11, 12, 13, 14);
    expect(outcomes.map(nameOf)).toEqual(['accepted', 'accepted', 'accepted', 'SOLD_OUT']);
    const bought = [11, 12, 13].map((user, i) => `${entryOf(outcomes[i] as CheckoutOutcome)} ${user}`);
    expect(await readEntries()).toEqual(bought);
    expect(await read()).toEqual(['SOLD_OUT', 3, 3, 0, 0]);
  });

  test('a sale answers a repeated buy with the same entry, also when sold out or over', async () => {
    const { buy, buyAll, sales } = await setUp({ stock: 2 });
    const [first] = await buyAll(11, 12);
    expect(await buy(11)).toEqual({ kind: 'repeat', streamId: entryOf(first as CheckoutOutcome) });
    await sales.change(product, { action: 'end' }, createActor());
    expect(await buy(11)).toEqual({ kind: 'repeat', streamId: entryOf(first as CheckoutOutcome) });
    expect(await buy(13)).toEqual({ kind: 'ENDED' });
  });

  test('a sale with a higher limit distinguishes purchases and repeats by their key', async () => {
    const { buy, read } = await setUp({ stock: 9, perUserLimit: 2 });
    const first = await buy(11, { idempotencyKey: 'a' });
    expect(await buy(11, { idempotencyKey: 'a' })).toEqual({ kind: 'repeat', streamId: entryOf(first) });
    const second = await buy(11, { idempotencyKey: 'b' });
    expect([nameOf(second), entryOf(second) !== entryOf(first)]).toEqual(['accepted', true]);
    expect(await buy(11, { idempotencyKey: 'c' })).toEqual({ kind: 'LIMIT_REACHED' });
    expect(nameOf(await buy(12, { idempotencyKey: 'a' }))).toBe('accepted');
    expect(await read()).toEqual(['OPEN', 9, 3, 6, 0]);
  });

  test('a sale sells exactly its units when thousands of buyers come at once', async () => {
    const { buy, read, readEntries } = await setUp({ stock: 20 });
    const users = Array.from({ length: 150 }, (_, n) => n + 1);
    const outcomes = await Promise.all([...users, ...users].map((user) => buy(user)));
    const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
    expect(count('accepted')).toBe(20);
    expect(count('accepted') + count('repeat') + count('SOLD_OUT')).toBe(300);
    const entries = await readEntries();
    expect(entries).toHaveLength(20);
    expect(new Set(entries.map((entry) => entry.split(' ')[1])).size).toBe(20);
    expect(await read()).toEqual(['SOLD_OUT', 20, 20, 0, 0]);
  });

  test('a sale refuses what is too early, paused, over or unknown, and keeps no trace', async () => {
    const { buy, sales, read, readEntries } = await setUp();
    expect(await buy(11)).toEqual({ kind: 'SALE_NOT_FOUND' });
    await sales.open(terms({ startsAt: inAnHour() }), createActor());
    expect(await buy(11)).toEqual({ kind: 'NOT_STARTED' });
    expect(await read()).toEqual(['SCHEDULED', 3, 0, 3, 0]);
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(terms(), createActor());
    await sales.change(product, { action: 'pause' }, createActor());
    expect(await buy(11)).toEqual({ kind: 'PAUSED' });
    await sales.change(product, { action: 'resume' }, createActor());
    expect(await read()).toEqual(['OPEN', 3, 0, 3, 0]);
    await sales.change(product, { action: 'end' }, createActor());
    expect(await buy(11)).toEqual({ kind: 'ENDED' });
    expect(await sales.change(product, { action: 'resume' }, createActor())).toBe('ended');
    expect(await sales.change(product, { addStock: 5 }, createActor())).toBe('ended');
    expect(await sales.change(7n as ProductId, { action: 'pause' }, createActor())).toBeUndefined();
    expect(await sales.find(7n as ProductId)).toBeUndefined();
    expect(await read()).toEqual(['ENDED', 3, 0, 3, 0]);
    expect(await readEntries()).toEqual([]);
  });

  test('a product has one sale at a time: same terms repeat, other terms conflict', async () => {
    const { sales } = await setUp({ stock: 3 });
    expect(await sales.open(terms({ stock: 3 }), createActor())).toBe('repeat');
    expect(await sales.open(terms({ stock: 4 }), createActor())).toBe('conflict');
    await sales.change(product, { addStock: 1 }, createActor());
    expect(await sales.open(terms({ stock: 3 }), createActor())).toBe('repeat');
    expect(await sales.open(terms({ endsAt: new Date(Date.now() - 1) }), createActor())).toBe('over');
    await sales.change(product, { action: 'end' }, createActor());
    expect(await sales.open(terms({ stock: 4 }), createActor())).toBe('opened');
    const endsAt = inAnHour();
    expect(await sales.find(product)).toMatchObject({
      stock: 4,
      sold: 0,
      perUserLimit: 1,
      endsAt: undefined,
    });
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(terms({ startsAt: inAnHour(), endsAt }), createActor());
    expect((await sales.find(product))?.endsAt).toEqual(endsAt);
  });

  test('a sale continues when stock is added or a unit is restocked, and its sum holds', async () => {
    const { buy, buyAll, sales, read, restock } = await setUp({ stock: 2 });
    const [first] = await buyAll(11, 12);
    await restock(first as CheckoutOutcome, 11);
    await restock(first as CheckoutOutcome, 11);
    expect(await read()).toEqual(['OPEN', 2, 1, 0, 1]);
    expect(nameOf(await buy(13))).toBe('accepted');
    expect(await read()).toEqual(['SOLD_OUT', 2, 2, 0, 0]);
    await sales.change(product, { addStock: 1 }, createActor());
    // The buyer's quota was restored with the unit.
    const again = await buy(11);
    expect([nameOf(again), entryOf(again) !== entryOf(first as CheckoutOutcome)]).toEqual(['accepted', true]);
    expect(await read()).toEqual(['SOLD_OUT', 3, 3, 0, 0]);
  });

  test('a new sale changes no winner of the previous one, and the reverse', async () => {
    const { buyAll, buy, sales, read, readEntries, restock } = await setUp({ stock: 2 });
    const [first] = await buyAll(11, 12);
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(terms({ stock: 2 }), createActor());
    expect(await readEntries()).toHaveLength(2);
    expect(nameOf(await buy(11))).toBe('accepted');
    expect(await restock(first as CheckoutOutcome, 11)).toEqual(['RESTOCKED']);
    expect(await read()).toEqual(['OPEN', 2, 1, 1, 0]);
  });

  test('a sale takes many buyers in one step, in order', async () => {
    const { checkout, buyer, read, readEntries } = await setUp({ stock: 3, perUserLimit: 2 });
    const outcomes = await checkout.buy(product, [
      buyer(11, { idempotencyKey: 'a' }),
      buyer(11, { idempotencyKey: 'a' }),
      buyer(11, { idempotencyKey: 'b' }),
      buyer(11, { idempotencyKey: 'c' }),
      buyer(12),
      buyer(13),
    ]);
    expect(outcomes.map(nameOf)).toEqual([
      'accepted',
      'repeat',
      'accepted',
      'LIMIT_REACHED',
      'accepted',
      'SOLD_OUT',
    ]);
    expect(entryOf(outcomes[1] as CheckoutOutcome)).toBe(entryOf(outcomes[0] as CheckoutOutcome));
    expect((await readEntries()).map((entry) => entry.split(' ')[1])).toEqual(['11', '11', '12']);
    expect(await read()).toEqual(['SOLD_OUT', 3, 3, 0, 0]);
    const again = await checkout.buy(product, [buyer(11, { idempotencyKey: 'b' }), buyer(14)]);
    expect(again).toEqual([
      { kind: 'repeat', streamId: entryOf(outcomes[2] as CheckoutOutcome) },
      { kind: 'SOLD_OUT' },
    ]);
  });

  test('a look returns the buyers that are not known yet, and all of another life', async () => {
    const { checkout, buyAll, sales } = await setUp({ stock: 3 });
    expect(await checkout.readSale(7n as ProductId, knows())).toBeUndefined();
    await buyAll(11, 12);
    const first = await checkout.readSale(product, knows());
    expect(first).toMatchObject({
      from: 0,
      buyers: ['11', '12'],
      buyerCount: 2,
      sale: { remaining: 1, sold: 2 },
    });
    await buyAll(13);
    const life = first?.life ?? '';
    const known = knows({ life, count: 2, last: '12' });
    expect(await checkout.readSale(product, known)).toMatchObject({ from: 2, buyers: ['13'], buyerCount: 3 });
    expect(await checkout.readSale(product, { ...known, wantsMore: false })).toMatchObject({
      buyers: [],
      buyerCount: 3,
    });
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(terms(), createActor());
    const next = await checkout.readSale(product, known);
    expect(next).toMatchObject({ from: 0, buyers: [], buyerCount: 0 });
    expect([next?.life === life, (next?.number ?? 0) > (first?.number ?? 0)]).toEqual([false, true]);
  });

  test('the store lists every sale by product, also those that have ended', async () => {
    const { sales } = await setUp({ stock: 3 });
    await sales.open(terms({ productId: 9n as ProductId, stock: 4 }), createActor());
    await sales.open(terms({ productId: 20_000n as ProductId, stock: 5 }), createActor());
    await sales.change(product, { action: 'end' }, createActor());
    const list = async (limit: number, after = 0n) =>
      (await sales.list(limit, after)).map(({ productId, stock, state }) => [productId, stock, state]);
    const all = [
      [9n, 4, 'OPEN'],
      [1001n, 3, 'ENDED'],
      [20_000n, 5, 'OPEN'],
    ];
    expect(await list(500)).toEqual(all);
    expect(await list(2)).toEqual(all.slice(0, 2));
    expect(await list(2, 9n)).toEqual(all.slice(1));
    expect(await list(1, 1001n)).toEqual(all.slice(2));
    expect(await list(1, 1002n)).toEqual(all.slice(2));
    expect(await list(2, 20_000n)).toEqual([]);
  });

  test('a sale with tickets admits only holders of a ticket from before the start', async () => {
    const { sales, checkout, buy, takeTicket, read } = await setUp();
    expect((await takeTicket(11)).outcome).toEqual({ kind: 'SALE_NOT_FOUND' });
    await sales.open(terms(), createActor());
    expect((await takeTicket(11)).outcome).toEqual({ kind: 'TICKETS_UNUSED' });
    await sales.change(product, { action: 'end' }, createActor());
    const startsAt = new Date(Date.now() + 1_500);
    await sales.open(terms({ entry: 'ticket', startsAt }), createActor());
    const { outcome, ticket } = await takeTicket(11);
    expect(outcome).toMatchObject({ kind: 'given', admittedAtMs: startsAt.getTime() });
    expect((await takeTicket(11)).outcome).toEqual({ ...outcome, kind: 'repeat' });
    expect((await takeTicket(11, 2)).outcome).toEqual({ kind: 'LIMIT_REACHED' });
    expect((await sales.find(product))?.tickets).toBe(1);
    expect(await buy(11, { ticket })).toEqual({ kind: 'NOT_STARTED' });
    await pollUntil('the sale to start', 5_000, async () =>
      expect((await sales.find(product))?.state).toBe('OPEN'),
    );
    expect((await takeTicket(12)).outcome).toEqual({ kind: 'TICKETS_CLOSED' });
    expect((await takeTicket(11)).outcome.kind).toBe('repeat');
    expect(await buy(12)).toEqual({ kind: 'TICKET_REQUIRED' });
    const number = ticket?.number ?? 0;
    expect(await buy(11, { ticket: ticket && { ...ticket, number: number - 1 } })).toEqual({
      kind: 'TICKET_INVALID',
    });
    expect(await read()).toEqual(['OPEN', 3, 0, 3, 0]);
    const bought = await buy(11, { ticket });
    expect(bought.kind).toBe('accepted');
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: entryOf(bought) });
    expect((await checkout.readSale(product, knows()))?.secret).toBe(
      'secret' in outcome ? outcome.secret : '',
    );
  });

  test('one ticket is one purchase, also where a user may have more', async () => {
    const { buy, takeTicket, read } = await setUp({ stock: 9, perUserLimit: 2, admitPerSecond: 1_000 });
    const { ticket } = await takeTicket(11);
    const buyWith = (shown: Buyer['ticket']) =>
      pollUntil('the ticket to admit', 5_000, async () => {
        const outcome = await buy(11, { ticket: shown });
        expect(nameOf(outcome)).toBe('accepted');
        return outcome;
      });
    const first = await buyWith(ticket);
    const entry = entryOf(first);
    expect(await buy(11, { ticket, idempotencyKey: 'other' })).toEqual({ kind: 'repeat', streamId: entry });
    const { ticket: second } = await takeTicket(11, 2);
    const other = await buyWith(second);
    expect(entryOf(other)).not.toBe(entry);
    expect(await read()).toEqual(['OPEN', 9, 2, 7, 0]);
  });

  test('an Idempotency-Key belongs to its sale and names no ticket', async () => {
    const { sales, buy, takeTicket } = await setUp({ stock: 9, perUserLimit: 3 });
    const first = await buy(11, { idempotencyKey: 'order-7' });
    await sales.change(product, { action: 'end' }, createActor());
    expect(await buy(11, { idempotencyKey: 'order-7' })).toEqual({
      kind: 'repeat',
      streamId: entryOf(first),
    });
    await sales.open(terms({ stock: 9, perUserLimit: 3, admitPerSecond: 1_000_000 }), createActor());
    const { ticket } = await takeTicket(11);
    const bought = await pollUntil('the ticket to admit', 5_000, async () => {
      const outcome = await buy(11, { ticket });
      expect(outcome.kind).toBe('accepted');
      return outcome;
    });
    const number = ticket?.number ?? 0;
    for (const idempotencyKey of ['order-7', `ticket ${number}.1`, `${number}.11.1`]) {
      expect(await buy(11, { idempotencyKey })).toEqual({ kind: 'TICKET_REQUIRED' });
    }
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: entryOf(bought) });
  });

  test('a ticket answers also during the next sale, and an unused old one is refused', async () => {
    const { sales, buy, checkout, takeTicket } = await setUp({ stock: 9, admitPerSecond: 1_000_000 });
    const { ticket } = await takeTicket(11);
    const { ticket: unused } = await takeTicket(12);
    const bought = await pollUntil('the ticket to admit', 5_000, async () => {
      const outcome = await buy(11, { ticket });
      expect(outcome.kind).toBe('accepted');
      return outcome;
    });
    const secret = (await checkout.readSale(product, knows()))?.secret;
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(terms({ stock: 9, admitPerSecond: 1_000_000 }), createActor());
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: entryOf(bought) });
    expect(await buy(12, { ticket: unused })).toEqual({ kind: 'TICKET_INVALID' });
    expect(await checkout.findSecret(product, ticket?.number ?? 0)).toBe(secret);
    expect(await checkout.findSecret(7n as ProductId, ticket?.number ?? 0)).toBeUndefined();
    expect(await checkout.listProducts()).toEqual([product]);
  });

  test('a ticket buys again when its unit went back, while the sale runs', async () => {
    const { sales, buy, takeTicket, restock, read } = await setUp({ stock: 2, admitPerSecond: 1_000_000 });
    const { ticket } = await takeTicket(11);
    const first = await pollUntil('the ticket to admit', 5_000, async () => {
      const outcome = await buy(11, { ticket });
      expect(outcome.kind).toBe('accepted');
      return outcome;
    });
    await restock(first, 11);
    const second = await buy(11, { ticket });
    expect([second.kind, entryOf(second) !== entryOf(first)]).toEqual(['accepted', true]);
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: entryOf(second) });
    await restock(second, 11);
    await sales.change(product, { action: 'end' }, createActor());
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: entryOf(second) });
    expect(await read()).toEqual(['ENDED', 2, 0, 0, 2]);
  });

  test('a sale with a waiting room admits one visitor after the other at its rate', async () => {
    const { buy, takeTicket } = await setUp({ stock: 9, admitPerSecond: 4 });
    const tickets = [await takeTicket(11), await takeTicket(12), await takeTicket(13)];
    const times = tickets.map(({ ticket }) => ticket?.admittedAtMs ?? 0);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(249);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeLessThanOrEqual(251);
    expect((times[2] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(499);
    expect((await buy(13, { ticket: tickets[2]?.ticket })).kind).toBe('NOT_ADMITTED');
    expect((await buy(14)).kind).toBe('TICKET_REQUIRED');
    await pollUntil('the last one to be admitted', 5_000, async () =>
      expect((await buy(13, { ticket: tickets[2]?.ticket })).kind).toBe('accepted'),
    );
  });
});
