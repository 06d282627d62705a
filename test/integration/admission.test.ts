import { describe, expect, test } from 'vitest';
import { redisCheckout } from '../../src/adapters/redis/checkout.ts';
import { redisSaleCounters } from '../../src/adapters/redis/sale-counters.ts';
import { saleKeys } from '../../src/adapters/redis/sale-keys.ts';
import type { ProductId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { Admission, type Visitor } from '../../src/sale/admission.ts';
import type { BuyOutcome, Checkout } from '../../src/sale/checkout.ts';
import type { SaleTerms } from '../../src/sale/sale.ts';
import { BuyerBudget, SaleCache } from '../../src/sale/sale-cache.ts';
import { createActor } from '../support/actors.ts';
import { pollUntil } from '../support/poll-until.ts';
import { noLedger, openRedisSales } from '../support/sales.ts';
import { connectTestRedis, createRedisDatabase } from '../support/stores.ts';

const product = 1001n as ProductId;
const stream = 'stream:seckill:1001';

/**
 * An admission in front of a real sale in Redis; its clock is the test's, and calls of the checkout are
 * counted.
 */
async function openAdmission(part: Partial<SaleTerms> = {}, maxWaiting = 1_000) {
  const redis = connectTestRedis(await createRedisDatabase());
  const { sales, checkout: real } = await openRedisSales(redis);
  const calls = { lists: 0, looks: 0, buys: 0, secrets: 0 };
  let hold = Promise.resolve();
  let holdLook = Promise.resolve();
  const checkout: Checkout = {
    ...real,
    async buy(productId, buyers) {
      calls.buys++;
      await hold;
      return real.buy(productId, buyers);
    },
    async readSale(productId, knows) {
      calls.looks++;
      await holdLook;
      return real.readSale(productId, knows);
    },
    listProducts() {
      calls.lists++;
      return real.listProducts();
    },
    findSecret(productId, number) {
      calls.secrets++;
      return real.findSecret(productId, number);
    },
  };
  let now = 0;
  const admission = new Admission(checkout, { maxWaiting, maxBatch: 100, nowMs: () => now });
  await sales.open(
    {
      ...{ productId: product, stock: 2, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
      ...{ entry: 'open', admitPerSecond: undefined, ...part },
    },
    createActor(),
  );
  const visitor = (user: number, rest: Partial<Visitor> = {}): Visitor => ({
    ...{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined, ...rest },
  });
  return {
    ...{ admission, sales, calls, redis, visitor, checkout },
    counters: redisSaleCounters(redis),
    buy: (user: number, rest?: Partial<Visitor>) => admission.buy(product, visitor(user, rest)),
    refuse: (user: number) => admission.refuse(product, visitor(user)),
    passMs(ms: number) {
      now += ms;
    },
    /** Reads are answered only after this has resolved. */
    holdLooks() {
      const held = createDeferred<void>();
      holdLook = held.promise;
      return held.resolve;
    },
    /** Buys are answered only after this has resolved. */
    holdBuys() {
      const held = createDeferred<void>();
      hold = held.promise;
      return held.resolve;
    },
  };
}

const idOf = (outcome: BuyOutcome) => ('streamId' in outcome ? outcome.streamId : undefined);

describe('the admission', () => {
  test('the admission answers a flood on a sold-out sale from memory with one look', async () => {
    const { buy, refuse, calls, passMs } = await openAdmission();
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

  test('the admission gives a repeated buyer their entry, also when sold out', async () => {
    const { buy, refuse, passMs } = await openAdmission();
    const first = await buy(11);
    await buy(12);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    expect(refuse(11)).toBeUndefined();
    expect(await buy(11)).toEqual({ kind: 'repeat', streamId: idOf(first) });
  });

  test('the admission knows the buyers of other replicas, however many', async () => {
    const { buy, refuse, passMs, admission, visitor, redis, sales } = await openAdmission({ stock: 12_000 });
    const other = redisCheckout(redis, { acknowledge: 'memory', ledger: noLedger });
    for (let from = 1; from <= 12_000; from += 1_000) {
      const buyers = Array.from({ length: 1_000 }, (_, i) => ({ ...visitor(from + i), ticket: undefined }));
      await other.buy(product, buyers);
    }
    expect((await buy(99_999)).kind).toBe('SOLD_OUT');
    expect([refuse(1), refuse(6_000), refuse(12_000), refuse(12_001)]).toEqual([...Array(3), 'SOLD_OUT']);
    await sales.change(product, { addStock: 1 }, createActor());
    await other.buy(product, [{ ...visitor(12_001), ticket: undefined }]);
    passMs(260);
    expect((await buy(99_999)).kind).toBe('SOLD_OUT');
    expect(refuse(12_001)).toBeUndefined();
    expect((await admission.buy(product, visitor(12_001))).kind).toBe('repeat');
  });

  test('a sale with more buyers than memory may keep asks the store about each', async () => {
    const { buy, checkout, passMs } = await openAdmission({ stock: 5 });
    for (const user of [11, 12, 13, 14, 15]) await buy(user);
    passMs(260);
    const known = new SaleCache(checkout, product, () => 0, new BuyerBudget(4));
    for (let look = 0; look < 3; look++) await known.refresh();
    expect([11, 15, 99].map((user) => known.refuse(BigInt(user) as UserId))).toEqual(
      Array(3).fill(undefined),
    );
    expect((await buy(99)).kind).toBe('SOLD_OUT');
    expect((await buy(15)).kind).toBe('repeat');
  });

  test('a sale that lost its latest buyers is read again, also after as many new buys', async () => {
    const { buy, refuse, redis, passMs, checkout } = await openAdmission({ stock: 2 });
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    const { sale, buyers, entries, order, units } = saleKeys(stream);
    await redis.del(buyers, entries, order, units);
    await redis.hset(sale, { remaining: 2, sold: 0, nth: 0 });
    const others = [21, 22].map((user) => ({
      ...{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined },
    }));
    await checkout.buy(product, others);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    expect([refuse(21), refuse(22), refuse(11)]).toEqual([undefined, undefined, 'SOLD_OUT']);
  });

  test('the admission sells added stock at most a quarter of a second later', async () => {
    const { buy, refuse, sales, passMs } = await openAdmission();
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    await buy(13);
    await sales.change(product, { addStock: 1 }, createActor());
    expect(refuse(13)).toBe('SOLD_OUT');
    passMs(251);
    expect(refuse(13)).toBeUndefined();
    expect((await buy(13)).kind).toBe('accepted');
  });

  test('the admission looks again in the background before its answer is stale', async () => {
    const { buy, refuse, sales, passMs } = await openAdmission();
    await Promise.all([buy(11), buy(12)]);
    passMs(260);
    await buy(13);
    await sales.change(product, { addStock: 1 }, createActor());
    passMs(130);
    expect(refuse(13)).toBe('SOLD_OUT');
    await pollUntil('the look to bring the stock', 2_000, async () => expect(refuse(13)).toBeUndefined());
  });

  test('the admission sells a restocked unit again', async () => {
    const { buy, refuse, counters, passMs } = await openAdmission();
    const first = await buy(11);
    await buy(12);
    passMs(260);
    expect((await buy(13)).kind).toBe('SOLD_OUT');
    await counters.restock([{ stream, entryId: idOf(first) as SourceId, userId: 11n as UserId }]);
    passMs(260);
    expect(refuse(13)).toBeUndefined();
    expect((await buy(13)).kind).toBe('accepted');
  });

  test('the admission opens at the start by the clock of the store', async () => {
    const { buy, refuse, passMs, sales } = await openAdmission({ startsAt: new Date(Date.now() + 60_000) });
    expect((await buy(11)).kind).toBe('NOT_STARTED');
    expect(refuse(11)).toBe('NOT_STARTED');
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(
      {
        ...{
          productId: product,
          stock: 1,
          perUserLimit: 1,
          startsAt: new Date(Date.now() + 1_500),
          endsAt: undefined,
        },
        ...{ entry: 'open', admitPerSecond: undefined },
      },
      createActor(),
    );
    passMs(260);
    expect((await buy(11)).kind).toBe('NOT_STARTED');
    passMs(1_501);
    expect(refuse(11)).toBeUndefined();
    await pollUntil('the store to agree', 5_000, async () => {
      // What the admission has read of it meanwhile is forgotten.
      passMs(2_000);
      expect((await buy(11)).kind).toBe('accepted');
    });
  });

  test('the admission refuses callers beyond its queue, and accepts when it has moved', async () => {
    const { buy, holdBuys, admission } = await openAdmission({ stock: 100 }, 5);
    await buy(1);
    const release = holdBuys();
    const waiting = [11, 12, 13, 14, 15].map((user) => buy(user));
    await expect(buy(16)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(admission.waiting).toBe(5);
    release();
    expect((await Promise.all(waiting)).map(({ kind }) => kind)).toEqual(Array(5).fill('accepted'));
    expect((await buy(16)).kind).toBe('accepted');
    expect(admission.waiting).toBe(0);
  });

  test('the admission sends many buyers to the store at a time', async () => {
    const { buy, calls } = await openAdmission({ stock: 1_000 });
    await buy(1);
    calls.buys = 0;
    const outcomes = await Promise.all(Array.from({ length: 400 }, (_, i) => buy(10 + i)));
    expect(outcomes.every(({ kind }) => kind === 'accepted')).toBe(true);
    expect(calls.buys).toBeLessThanOrEqual(6);
  });

  test('the admission accepts a ticket of its sale only from the user that it names', async () => {
    const { admission, buy, sales, passMs } = await openAdmission({ stock: 5, admitPerSecond: 1_000_000 });
    const issueTicket = async (user: number) => {
      const answer = await admission.issueTicket(product, { userId: BigInt(user) as UserId, unit: 1 });
      return 'ticket' in answer ? answer.ticket : '';
    };
    const ticket = await issueTicket(11);
    expect(await issueTicket(11)).toBe(ticket);
    expect((await buy(11)).kind).toBe('TICKET_REQUIRED');
    expect((await buy(12, { ticket })).kind).toBe('TICKET_INVALID');
    expect((await buy(11, { ticket: `${ticket.slice(0, -4)}AAAA` })).kind).toBe('TICKET_INVALID');
    expect((await buy(11, { ticket: 'nonsense' })).kind).toBe('TICKET_INVALID');
    const [version, , ...rest] = ticket.split('.');
    expect((await buy(11, { ticket: [version, '1002', ...rest].join('.') })).kind).toBe('TICKET_INVALID');
    expect(await sales.find(product)).toMatchObject({ sold: 0, remaining: 5, tickets: 1 });
    const standing = await admission.checkTicket(product, ticket);
    expect(standing).toMatchObject({ ticket: { userId: 11n, unit: 1 } });
    const bought = await pollUntil('the ticket to admit', 2_000, async () => {
      const outcome = await buy(11, { ticket });
      expect(outcome.kind).toBe('accepted');
      return outcome;
    });
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: idOf(bought) });
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(
      {
        ...{ productId: product, stock: 1, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
        ...{ entry: 'open', admitPerSecond: 1_000_000 },
      },
      createActor(),
    );
    passMs(260);
    expect(await buy(11, { ticket })).toEqual({ kind: 'repeat', streamId: idOf(bought) });
    // Issued by another replica, for a sale that this one has not read again.
    const fresh = await issueTicket(12);
    await pollUntil('the new ticket to admit', 2_000, async () =>
      expect((await buy(12, { ticket: fresh })).kind).toBe('accepted'),
    );
  });

  test('the holder of a ticket gets the place and the time of admission', async () => {
    const { admission } = await openAdmission({
      stock: 5,
      admitPerSecond: 10,
      startsAt: new Date(Date.now() + 60_000),
    });
    const tickets: string[] = [];
    for (let user = 1; user <= 31; user++) {
      const answer = await admission.issueTicket(product, { userId: BigInt(user) as UserId, unit: 1 });
      tickets.push('ticket' in answer ? answer.ticket : '');
    }
    const standings = [];
    for (const index of [0, 10, 30])
      standings.push(await admission.checkTicket(product, tickets[index] as string));
    expect(standings.map((standing) => standing?.place)).toEqual([0, 10, 30]);
    const [first, , last] = standings.map((standing) => standing?.waitMs ?? 0);
    expect(first).toBeGreaterThan(50_000);
    expect(Math.round(((last ?? 0) - (first ?? 0)) / 100)).toBe(30);
    expect(await admission.checkTicket(product, 'nonsense')).toBeUndefined();
  });

  test('the admission knows no missing sale, and fails when the store is unavailable', async () => {
    const { admission, visitor, redis, buy, passMs } = await openAdmission();
    expect((await admission.buy(7n as ProductId, visitor(1))).kind).toBe('SALE_NOT_FOUND');
    await buy(1);
    redis.disconnect();
    passMs(260);
    await expect(buy(2)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(admission.waiting).toBe(0);
  });
});

describe('a stranger who has only a ticket', () => {
  const forge = (productId: bigint, number: number, user = 501) =>
    `1.${productId}.${number}.${user}.1.0.${'A'.repeat(22)}`;

  /** A sale with tickets, one of them of user 501, and an admission that has cached the sale. */
  async function openTicketSale(maxWaiting?: number) {
    const opened = await openAdmission({ stock: 50, admitPerSecond: 1_000_000 }, maxWaiting);
    const { admission } = opened;
    const answer = await admission.issueTicket(product, { userId: 501n as UserId, unit: 1 });
    const ticket = 'ticket' in answer ? answer.ticket : '';
    const present = (await admission.checkTicket(product, ticket))?.ticket.number ?? 0;
    let verified = 0;
    const buyAs = (text: string, productId: bigint = product, user = 501) =>
      admission.buyByTicket(
        productId as ProductId,
        { ...opened.visitor(user), ticket: text },
        () => verified++,
      );
    return { ...opened, ticket, present, buyAs, countVerified: () => verified };
  }

  test('a ticket is verified before the tokens of its user are taken', async () => {
    const { buyAs, ticket, present, countVerified, passMs } = await openTicketSale();
    const forged = [
      'x',
      '',
      forge(product, present),
      forge(product, present - 1),
      forge(product, present + 1),
    ];
    for (const isStale of [false, true]) {
      if (isStale) passMs(260);
      for (const text of forged) expect(await buyAs(text)).toEqual({ kind: 'TICKET_INVALID' });
    }
    expect(await buyAs(ticket, product, 502)).toEqual({ kind: 'TICKET_INVALID' });
    expect(countVerified()).toBe(0);
    await pollUntil('the ticket to admit', 2_000, async () =>
      expect((await buyAs(ticket)).kind).toBe('accepted'),
    );
    expect(countVerified()).toBeGreaterThan(0);
  });

  test('a user without tokens does not reach the store', async () => {
    const { admission, visitor, ticket, calls } = await openTicketSale();
    const refuse = () => {
      throw new Error('no token');
    };
    await expect(admission.buyByTicket(product, { ...visitor(501), ticket }, refuse)).rejects.toThrow(
      'no token',
    );
    expect(calls.buys).toBe(0);
  });

  test('forged tickets neither fill the queue of buyers nor delay a good ticket', async () => {
    const { admission, visitor, buyAs, ticket, present, holdLooks, sales } = await openTicketSale(5);
    for (const id of [5_000n, 5_001n]) {
      await sales.open(
        {
          ...{
            productId: id as ProductId,
            stock: 1,
            perUserLimit: 1,
            startsAt: undefined,
            endsAt: undefined,
          },
          ...{ entry: 'open', admitPerSecond: undefined },
        },
        createActor(),
      );
    }
    const release = holdLooks();
    const flood = Array.from({ length: 50 }, (_, i) =>
      buyAs(forge(5_000n + BigInt(i % 2), present), 5_000n + BigInt(i % 2)),
    );
    const refused = flood.map((each) =>
      each.then(
        () => 'let in',
        ({ code }) => code,
      ),
    );
    expect(admission.waiting).toBe(0);
    await pollUntil('the ticket to admit', 2_000, async () =>
      expect((await buyAs(ticket)).kind).toBe('accepted'),
    );
    expect((await admission.checkTicket(product, ticket))?.isPresent).toBe(true);
    const bought = admission.buy(product, visitor(502));
    release();
    expect(await bought).toEqual({ kind: 'TICKET_REQUIRED' });
    expect((await Promise.all(refused)).filter((code) => code === 'OVERLOADED')).toHaveLength(45);
  });

  test('unknown products of strangers cost one reading of the list of sales in 250 ms', async () => {
    const { buyAs, buy, calls, passMs, present } = await openTicketSale();
    Object.assign(calls, { lists: 0, looks: 0 });
    const unknown = Array.from({ length: 300 }, (_, i) => 9_000n + BigInt(i));
    const ask = async () => {
      for (let round = 0; round < 3; round++) {
        const outcomes = await Promise.all(unknown.map((id) => buyAs(forge(id, present), id)));
        expect(outcomes).toEqual(Array(300).fill({ kind: 'SALE_NOT_FOUND' }));
      }
    };
    await ask();
    expect(calls).toEqual({ lists: 1, looks: 0, buys: 0, secrets: 0 });
    passMs(251);
    await ask();
    expect(calls).toEqual({ lists: 2, looks: 0, buys: 0, secrets: 0 });
    expect((await buy(501)).kind).toBe('TICKET_REQUIRED');
    expect(calls.lists).toBe(2);
  });

  test('unknown products of callers with a key reach no store and share one read', async () => {
    const { admission, calls, visitor } = await openTicketSale();
    Object.assign(calls, { lists: 0, looks: 0 });
    const unknown = Array.from({ length: 300 }, (_, i) => (9_000n + BigInt(i)) as ProductId);
    const outcomes = await Promise.all(unknown.map((id) => admission.buy(id, visitor(1))));
    expect(outcomes).toEqual(Array(300).fill({ kind: 'SALE_NOT_FOUND' }));
    expect(calls).toMatchObject({ looks: 0, buys: 0 });
    expect(calls.lists).toBeLessThanOrEqual(2);
  });

  test('a sale of another process sells at once by key, and by ticket 250 ms later', async () => {
    const { admission, sales, visitor, passMs, buyAs, present } = await openTicketSale();
    const [later, last] = [1002n, 1003n] as [ProductId, ProductId];
    const open = (productId: ProductId) =>
      sales.open(
        {
          ...{ productId, stock: 1, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
          ...{ entry: 'open', admitPerSecond: undefined },
        },
        createActor(),
      );
    expect(await admission.buy(later, visitor(1))).toEqual({ kind: 'SALE_NOT_FOUND' });
    await open(later);
    expect((await admission.buy(later, visitor(1))).kind).toBe('accepted');
    await open(last);
    expect((await buyAs(forge(last, present), last)).kind).toBe('SALE_NOT_FOUND');
    passMs(251);
    expect((await buyAs(forge(last, present), last)).kind).toBe('TICKET_INVALID');
  });

  test('a ticket of an earlier sale costs one read of its secret, a forged one too', async () => {
    const { buyAs, calls, sales, admission, ticket, passMs } = await openTicketSale();
    await pollUntil('the ticket to admit', 2_000, async () =>
      expect((await buyAs(ticket)).kind).toBe('accepted'),
    );
    await sales.change(product, { action: 'end' }, createActor());
    await sales.open(
      {
        ...{ productId: product, stock: 1, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
        ...{ entry: 'open', admitPerSecond: 1_000_000 },
      },
      createActor(),
    );
    passMs(260);
    for (let round = 0; round < 3; round++) {
      expect(await buyAs(forge(product, 0))).toEqual({ kind: 'TICKET_INVALID' });
      expect((await buyAs(ticket)).kind).toBe('repeat');
      expect((await admission.checkTicket(product, ticket))?.isPresent).toBe(false);
    }
    expect(calls.secrets).toBe(2);
  });
});

test('issuing a ticket makes a product known that was unknown a moment ago', async () => {
  const { admission, sales, visitor } = await openAdmission();
  const later = 1002n as ProductId;
  expect(await admission.buy(later, visitor(1))).toEqual({ kind: 'SALE_NOT_FOUND' });
  await sales.open(
    {
      ...{ productId: later, stock: 1, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
      ...{ entry: 'open', admitPerSecond: 10 },
    },
    createActor(),
  );
  const answer = await admission.issueTicket(later, { userId: 1n as UserId, unit: 1 });
  expect(await admission.checkTicket(later, 'ticket' in answer ? answer.ticket : '')).toMatchObject({
    isPresent: true,
  });
});
