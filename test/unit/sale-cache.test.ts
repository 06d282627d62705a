import { describe, expect, test } from 'vitest';
import type { ProductId, UserId } from '../../src/core/instance/purchase.ts';
import type { Checkout, KnownBuyers, Refusal, SaleSnapshot } from '../../src/sale/checkout.ts';
import type { StoredSale } from '../../src/sale/sale.ts';
import { BuyerBudget, SaleCache } from '../../src/sale/sale-cache.ts';

const storeStartMs = 1_800_000_000_000;
const openSale: StoredSale = {
  stock: 3,
  perUserLimit: 1,
  startsAt: undefined,
  endsAt: undefined,
  entry: 'open',
  admitPerSecond: undefined,
  sold: 0,
  remaining: 3,
  restocked: 0,
  tickets: 0,
  isPaused: false,
  hasEnded: false,
};
const soldOut = { sold: 3, remaining: 0 };

/** A sale whose clock and buyers the test controls; the store returns two buyers per read. */
class Scene {
  nowMs = 0;
  looks: KnownBuyers[] = [];
  life = 'first';
  buyers: string[] = [];
  sale: StoredSale | undefined = openSale;
  secret = '';
  failure: Error | undefined;
  readonly cache: SaleCache;

  constructor(budget?: BuyerBudget) {
    const checkout = {
      readSale: (_: bigint, known: KnownBuyers) => this.#readSale(known),
    } as unknown as Checkout;
    this.cache = new SaleCache(checkout, 7n as ProductId, () => this.nowMs, budget);
  }

  async #readSale(known: KnownBuyers): Promise<SaleSnapshot | undefined> {
    this.looks.push(known);
    if (this.failure) throw this.failure;
    if (!this.sale) return undefined;
    const isKnown =
      known.life === this.life && (known.count === 0 || this.buyers[known.count - 1] === known.last);
    const from = isKnown ? known.count : 0;
    return {
      life: this.life,
      number: 1,
      secret: this.secret,
      sale: this.sale,
      nowMs: storeStartMs + this.nowMs,
      from,
      buyers: known.wantsMore ? this.buyers.slice(from, from + 2) : [],
      buyerCount: this.buyers.length,
    };
  }

  refuse(userId: bigint): Refusal | undefined {
    return this.cache.refuse(userId as UserId);
  }

  /** The sale with these changes, as the cache sees it. */
  async show(change: Partial<StoredSale>, buyers = this.buyers): Promise<void> {
    this.sale = { ...openSale, ...change };
    this.buyers = buyers;
    await this.cache.refresh();
  }
}

describe('the age of an answer', () => {
  test('a sale cache that was never read is neither fresh nor young', () => {
    const { cache } = new Scene();
    expect([cache.isFresh, cache.isYoung]).toEqual([false, false]);
  });

  test.each([
    [0, true, true],
    [20, true, true],
    [21, true, false],
    [250, true, false],
    [251, false, false],
  ])('a snapshot of %i ms ago is fresh: %s, young: %s', async (ageMs, isFresh, isYoung) => {
    const scene = new Scene();
    await scene.cache.refresh();
    scene.nowMs = ageMs;
    expect([scene.cache.isFresh, scene.cache.isYoung]).toEqual([isFresh, isYoung]);
  });

  test('the age of a snapshot counts from its request, not from its answer', async () => {
    const scene = new Scene();
    const refreshed = scene.cache.refresh();
    scene.nowMs = 251;
    await refreshed;
    expect(scene.cache.isFresh).toBe(false);
  });

  test.each([
    [125, 1],
    [126, 2],
  ])('a refusal from a snapshot of %i ms ago leaves %i reads in all', async (ageMs, looks) => {
    const scene = new Scene();
    await scene.show(soldOut);
    scene.nowMs = ageMs;
    expect(scene.refuse(5n)).toBe('SOLD_OUT');
    expect(scene.looks).toHaveLength(looks);
  });

  test('a background refresh that fails leaves the last answer in force', async () => {
    const scene = new Scene();
    await scene.show(soldOut);
    scene.nowMs = 200;
    scene.failure = new Error('no answer');
    expect(scene.refuse(5n)).toBe('SOLD_OUT');
    await expect(scene.cache.refresh()).rejects.toThrow('no answer');
    expect(scene.refuse(5n)).toBe('SOLD_OUT');
    expect(scene.cache.isFresh).toBe(true);
  });

  test('concurrent refreshes share one read', async () => {
    const scene = new Scene();
    await Promise.all([scene.cache.refresh(), scene.cache.refresh(), scene.cache.refresh()]);
    expect(scene.looks).toHaveLength(1);
  });
});

describe('a refusal from memory', () => {
  test('a product without a sale is refused as SALE_NOT_FOUND', async () => {
    const scene = new Scene();
    scene.sale = undefined;
    await scene.cache.refresh();
    expect(scene.refuse(5n)).toBe('SALE_NOT_FOUND');
  });

  test.each([
    ['NOT_STARTED', { startsAt: new Date(storeStartMs + 1) }],
    ['PAUSED', { isPaused: true }],
    ['ENDED', { hasEnded: true }],
    ['SOLD_OUT', soldOut],
    [undefined, {}],
  ])('a sale cache answers %s to a stranger', async (refusal, change) => {
    const scene = new Scene();
    await scene.show(change);
    expect(scene.refuse(5n)).toBe(refusal);
  });

  test('a sale begins and ends in memory by the clock of the store', async () => {
    const scene = new Scene();
    await scene.show({ startsAt: new Date(storeStartMs + 50), endsAt: new Date(storeStartMs + 100) });
    const refusals = [49, 50, 99, 100].map((nowMs) => {
      scene.nowMs = nowMs;
      return scene.refuse(5n);
    });
    expect(refusals).toEqual(['NOT_STARTED', undefined, undefined, 'ENDED']);
    expect(scene.looks).toHaveLength(1);
  });

  test('a known buyer of a sold-out sale is left to the store', async () => {
    const scene = new Scene();
    await scene.show(soldOut, ['1', '2', '3']);
    expect([1n, 2n, 3n, 4n].map((user) => scene.refuse(user))).toEqual([
      undefined,
      undefined,
      undefined,
      'SOLD_OUT',
    ]);
    expect(scene.looks.map(({ count, last }) => [count, last])).toEqual([
      [0, ''],
      [2, '2'],
    ]);
  });

  test('a refresh asks only for buyers that are not known yet', async () => {
    const scene = new Scene();
    await scene.show({}, ['1', '2']);
    await scene.show(soldOut, ['1', '2', '3']);
    expect(scene.looks.at(-1)).toMatchObject({ life: 'first', count: 2, last: '2' });
    expect(scene.refuse(3n)).toBeUndefined();
  });

  test('a new life of the sale forgets the buyers of the old one', async () => {
    const scene = new Scene();
    await scene.show(soldOut, ['1', '2']);
    scene.life = 'second';
    await scene.show(soldOut, ['3']);
    expect(scene.refuse(1n)).toBe('SOLD_OUT');
    expect(scene.refuse(3n)).toBeUndefined();
  });

  test('buyers that the store lost are forgotten here too', async () => {
    const scene = new Scene();
    await scene.show(soldOut, ['1', '2']);
    await scene.show(soldOut, ['1', '4']);
    expect(scene.refuse(2n)).toBe('SOLD_OUT');
    expect(scene.refuse(4n)).toBeUndefined();
  });
});

describe('the memory for buyers', () => {
  test('a buyer budget never lends more than it has', () => {
    const budget = new BuyerBudget(3);
    expect([budget.take(2), budget.take(2), budget.take(1), budget.take(1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    budget.release(2);
    expect(budget.take(2)).toBe(true);
  });

  test('a sale with more buyers than its budget refuses no one from memory', async () => {
    const budget = new BuyerBudget(3);
    const scene = new Scene(budget);
    await scene.show(soldOut, ['1', '2', '3', '4']);
    expect([scene.refuse(1n), scene.refuse(9n)]).toEqual([undefined, undefined]);
    expect(budget.take(3)).toBe(true);
    await scene.cache.refresh();
    expect(scene.looks.at(-1)?.wantsMore).toBe(false);
  });

  test('a new life of a sale beyond its budget keeps buyers again', async () => {
    const scene = new Scene(new BuyerBudget(3));
    await scene.show(soldOut, ['1', '2', '3', '4']);
    scene.life = 'second';
    await scene.show(soldOut, ['5']);
    await scene.cache.refresh();
    expect(scene.refuse(5n)).toBeUndefined();
    expect(scene.refuse(9n)).toBe('SOLD_OUT');
  });

  test('a closed sale cache returns its buyers to the budget once', async () => {
    const budget = new BuyerBudget(3);
    const scene = new Scene(budget);
    await scene.show(soldOut, ['1', '2', '3']);
    expect(budget.take(1)).toBe(false);
    scene.cache.close();
    scene.cache.close();
    expect([budget.take(3), budget.take(1)]).toEqual([true, false]);
    expect(scene.refuse(9n)).toBeUndefined();
  });

  test('a look that ends after the close keeps no buyers', async () => {
    const budget = new BuyerBudget(2);
    const scene = new Scene(budget);
    scene.buyers = ['1', '2'];
    const refreshed = scene.cache.refresh();
    scene.cache.close();
    await refreshed;
    expect(budget.take(2)).toBe(true);
  });
});

describe('tickets and the waiting room', () => {
  test.each([
    ['secret', { entry: 'ticket' as const }],
    ['secret', { admitPerSecond: 5 }],
    [undefined, {}],
  ])('a sale cache has the ticket secret %s for a sale with %o', async (secret, change) => {
    const scene = new Scene();
    scene.secret = 'secret';
    await scene.show(change);
    expect(scene.cache.ticketSecret).toBe(secret);
  });

  test('the waiting room admits at its rate from the start of the sale', async () => {
    const scene = new Scene();
    await scene.show({ admitPerSecond: 10, startsAt: new Date(storeStartMs + 1_000) });
    const admitted = [500, 1_000, 1_099, 1_100, 3_000].map((ms) =>
      scene.cache.countAdmittedBefore(storeStartMs + ms),
    );
    expect(admitted).toEqual([0, 0, 0, 1, 20]);
    scene.nowMs = 2_000;
    expect(scene.cache.countAdmittedBefore(storeStartMs + 3_000)).toBe(10);
  });
});
