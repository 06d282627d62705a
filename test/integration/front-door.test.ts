import { describe, expect, test } from 'vitest';
import type { ProductId, SourceId, UserId } from '../../src/instance/purchase.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { redisSaleCounters } from '../../src/redis/sale-counters.ts';
import { saleKeys } from '../../src/redis/sale-keys.ts';
import { redisTill } from '../../src/redis/till.ts';
import { FrontDoor, type Visitor } from '../../src/sale/front-door.ts';
import { BuyerBudget, KnownSale } from '../../src/sale/known-sale.ts';
import type { SaleTerms } from '../../src/sale/sale.ts';
import type { BuyOutcome, Till } from '../../src/sale/till.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openRedisSales } from '../support/sales.ts';
import { connectTestRedis, createRedisDatabase } from '../support/stores.ts';

const product = 1001n as ProductId;
const stream = 'stream:seckill:1001';

/** A door before a real sale in Redis; its clock is the test's, and calls of the till are counted. */
async function openDoor(part: Partial<SaleTerms> = {}, maxWaiting = 1_000) {
  const redis = connectTestRedis(await createRedisDatabase());
  const { sales, till: real } = await openRedisSales(redis);
  const calls = { looks: 0, buys: 0 };
  let hold = Promise.resolve();
  const till: Till = {
    ...real,
    async buy(productId, buyers) {
      calls.buys++;
      await hold;
      return real.buy(productId, buyers);
    },
    look(productId, knows) {
      calls.looks++;
      return real.look(productId, knows);
    },
  };
  let now = 0;
  const door = new FrontDoor(till, { maxWaiting, maxBatch: 100, nowMs: () => now });
  await sales.open({
    ...{ productId: product, stock: 2, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
    ...{ entry: 'open', admitPerSecond: undefined, ...part },
  });
  const visitor = (user: number, rest: Partial<Visitor> = {}): Visitor => ({
    ...{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined, ...rest },
  });
  return {
    ...{ door, sales, calls, redis, visitor, till },
    counters: redisSaleCounters(redis),
    buy: (user: number, rest?: Partial<Visitor>) => door.buy(product, visitor(user, rest)),
    refuse: (user: number) => door.refuse(product, visitor(user)),
    passMs(ms: number) {
      now += ms;
    },
    /** Buys answer only after this has been resolved. */
    holdBuys() {
      const held = createDeferred<void>();
      hold = held.promise;
      return held.resolve;
    },
  };
}

const idOf = (outcome: BuyOutcome) => ('streamId' in outcome ? outcome.streamId : undefined);

describe('the front door', () => {
  test('answers a flood on a sold-out sale from memory: one look for as many as come', async () => {
    const { buy, refuse, calls, passMs } = await openDoor();
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    const before = { ...calls };
    expect(Array.from({ length: 1_000 }, (_, i) => refuse(100 + i))).toEqual(Array(1_000).fill('SOLD_OUT'));
    expect(
      (await Promise.all(Array.from({ length: 1_000 }, (_, i) => buy(100 + i)))).every(
        ({ kind }) => kind === 'SOLD_OUT',
      ),
    ).toBe(true);
    expect(calls).toEqual(before);
  });

  test('gives a buyer who asks again his entry, also when memory knows that it is sold out', async () => {
    const { buy, refuse, passMs } = await openDoor();
    const first = await buy(11);
    await buy(12);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    expect(refuse(11)).toBeUndefined();
    expect(await buy(11)).toEqual({ kind: 'repeat', streamId: idOf(first) });
  });

  test('knows the buyers of other replicas, however many', async () => {
    const { buy, refuse, passMs, door, visitor, redis, sales } = await openDoor({ stock: 12_000 });
    const other = redisTill(redis, { awaitsDisk: false });
    for (let from = 1; from <= 12_000; from += 1_000) {
      const buyers = Array.from({ length: 1_000 }, (_, i) => ({ ...visitor(from + i), ticket: undefined }));
      await other.buy(product, buyers);
    }
    expect((await buy(99_999)).kind).toBe('SOLD_OUT');
    expect([refuse(1), refuse(6_000), refuse(12_000), refuse(12_001)]).toEqual([...Array(3), 'SOLD_OUT']);
    await sales.change(product, { addStock: 1 });
    await other.buy(product, [{ ...visitor(12_001), ticket: undefined }]);
    passMs(260);
    expect((await buy(99_999)).kind).toBe('SOLD_OUT');
    expect(refuse(12_001)).toBeUndefined();
    expect((await door.buy(product, visitor(12_001))).kind).toBe('repeat');
  });

  test('a sale with more buyers than memory may keep asks the store about each', async () => {
    const { buy, till, passMs } = await openDoor({ stock: 5 });
    for (const user of [11, 12, 13, 14, 15]) await buy(user);
    passMs(260);
    const known = new KnownSale(till, product, () => 0, new BuyerBudget(4));
    for (let look = 0; look < 3; look++) await known.refresh();
    expect([11, 15, 99].map((user) => known.refuse(BigInt(user) as UserId))).toEqual(
      Array(3).fill(undefined),
    );
    expect((await buy(99)).kind).toBe('SOLD_OUT');
    expect((await buy(15)).kind).toBe('repeat');
  });

  test('a sale that lost its latest buyers is known anew, also when as many others bought since', async () => {
    const { buy, refuse, redis, passMs, till } = await openDoor({ stock: 2 });
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    const { sale, buyers, entries, order, units } = saleKeys(stream);
    await redis.del(buyers, entries, order, units);
    await redis.hset(sale, { left: 2, sold: 0, nth: 0 });
    const others = [21, 22].map((user) => ({
      ...{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined },
    }));
    await till.buy(product, others);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    expect([refuse(21), refuse(22), refuse(11)]).toEqual([undefined, undefined, 'SOLD_OUT']);
  });

  test('sells added stock at the latest a quarter of a second after it was added', async () => {
    const { buy, refuse, sales, passMs } = await openDoor();
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    await buy(13);
    await sales.change(product, { addStock: 1 });
    expect(refuse(13)).toBe('SOLD_OUT');
    passMs(251);
    expect(refuse(13)).toBeUndefined();
    expect((await buy(13)).kind).toBe('accepted');
  });

  test('looks again in the background before what it knows is stale', async () => {
    const { buy, refuse, sales, passMs } = await openDoor();
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    await buy(13);
    await sales.change(product, { addStock: 1 });
    passMs(130);
    expect(refuse(13)).toBe('SOLD_OUT');
    await pollUntil('the look to bring the stock', 2_000, async () => expect(refuse(13)).toBeUndefined());
  });

  test('sells a unit again that was given back', async () => {
    const { buy, refuse, counters, passMs } = await openDoor();
    const first = await buy(11);
    await buy(12);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    await counters.giveBack([{ stream, entryId: idOf(first) as SourceId, userId: 11n as UserId }]);
    passMs(260);
    expect(refuse(13)).toBeUndefined();
    expect((await buy(13)).kind).toBe('accepted');
  });

  test('opens at the start by the clock of the store, not when it next looks', async () => {
    const { buy, refuse, passMs, sales } = await openDoor({ startsAt: new Date(Date.now() + 60_000) });
    expect((await buy(11)).kind).toBe('NOT_STARTED');
    expect(refuse(11)).toBe('NOT_STARTED');
    await sales.change(product, { action: 'end' });
    await sales.open({
      ...{
        productId: product,
        stock: 1,
        perUserLimit: 1,
        startsAt: new Date(Date.now() + 100),
        endsAt: undefined,
      },
      ...{ entry: 'open', admitPerSecond: undefined },
    });
    passMs(260);
    expect((await buy(11)).kind).toBe('NOT_STARTED');
    passMs(101);
    expect(refuse(11)).toBeUndefined();
    await pollUntil('the store to agree', 2_000, async () => expect((await buy(11)).kind).toBe('accepted'));
  });

  test('turns away who comes beyond its queue, and lets in again when that has moved', async () => {
    const { buy, holdBuys, door } = await openDoor({ stock: 100 }, 5);
    await buy(1);
    const release = holdBuys();
    const waiting = [11, 12, 13, 14, 15].map((user) => buy(user));
    await expect(buy(16)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(door.waiting).toBe(5);
    release();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(Array(5).fill('accepted'));
    expect((await buy(16)).kind).toBe('accepted');
    expect(door.waiting).toBe(0);
  });

  test('brings many buyers to the store at a time', async () => {
    const { buy, calls } = await openDoor({ stock: 1_000 });
    await buy(1);
    calls.buys = 0;
    const outcomes = await Promise.all(Array.from({ length: 400 }, (_, i) => buy(10 + i)));
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(calls.buys).toBeLessThanOrEqual(6);
  });

  test('takes a ticket of its sale from the user that it names, and no other', async () => {
    const { door, buy, sales, passMs } = await openDoor({ stock: 5, admitPerSecond: 1_000_000 });
    const giveTicket = async (user: number) => {
      const answer = await door.giveTicket(product, { userId: BigInt(user) as UserId, unit: 1 });
      return 'ticket' in answer ? answer.ticket : '';
    };
    const ticket = await giveTicket(11);
    expect(await giveTicket(11)).toBe(ticket);
    expect((await buy(11)).kind).toBe('TICKET_REQUIRED');
    expect((await buy(12, { ticket })).kind).toBe('TICKET_INVALID');
    expect((await buy(11, { ticket: `${ticket.slice(0, -4)}AAAA` })).kind).toBe('TICKET_INVALID');
    expect((await buy(11, { ticket: 'nonsense' })).kind).toBe('TICKET_INVALID');
    const [version, , ...rest] = ticket.split('.');
    expect((await buy(11, { ticket: [version, '1002', ...rest].join('.') })).kind).toBe('TICKET_INVALID');
    expect(await sales.find(product)).toMatchObject({ sold: 0, left: 5, tickets: 1 });
    const standing = await door.judgeTicket(product, ticket);
    expect(standing).toMatchObject({ ticket: { userId: 11n, unit: 1 } });
    const bought = await pollUntil('the ticket to admit', 2_000, async () => {
      const outcome = await buy(11, { ticket });
      expect(outcome.kind).toBe('accepted');
      return outcome;
    });
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: idOf(bought) });
    await sales.change(product, { action: 'end' });
    await sales.open({
      ...{ productId: product, stock: 1, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
      ...{ entry: 'open', admitPerSecond: 1_000_000 },
    });
    passMs(260);
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: idOf(bought) });
    // Given out by another replica, for a sale that this one has not looked at again.
    const fresh = await giveTicket(12);
    await pollUntil('the new ticket to admit', 2_000, async () =>
      expect((await buy(12, { ticket: fresh })).kind).toBe('accepted'),
    );
  });

  test('tells the holder of a ticket his place and when he is admitted', async () => {
    const { door } = await openDoor({
      stock: 5,
      admitPerSecond: 10,
      startsAt: new Date(Date.now() + 60_000),
    });
    const tickets: string[] = [];
    for (let user = 1; user <= 31; user++) {
      const answer = await door.giveTicket(product, { userId: BigInt(user) as UserId, unit: 1 });
      tickets.push('ticket' in answer ? answer.ticket : '');
    }
    const standings = [];
    for (const index of [0, 10, 30])
      standings.push(await door.judgeTicket(product, tickets[index] as string));
    expect(standings.map((standing) => standing?.place)).toEqual([0, 10, 30]);
    const [first, , last] = standings.map((standing) => standing?.waitMs ?? 0);
    expect(first).toBeGreaterThan(50_000);
    expect(Math.round(((last ?? 0) - (first ?? 0)) / 100)).toBe(30);
    expect(await door.judgeTicket(product, 'nonsense')).toBeUndefined();
  });

  test('knows no sale that is not there, and fails when the store is away', async () => {
    const { door, visitor, redis, buy, passMs } = await openDoor();
    expect((await door.buy(7n as ProductId, visitor(1))).kind).toBe('SALE_UNKNOWN');
    await buy(1);
    redis.disconnect();
    passMs(260);
    await expect(buy(2)).rejects.toMatchObject({ code: 'STORE_AWAY' });
    expect(door.waiting).toBe(0);
  });
});
