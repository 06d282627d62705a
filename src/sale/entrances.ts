import { WeirError } from '../errors.ts';
import type { ProductId } from '../instance/purchase.ts';
import { gather } from '../lib/gather.ts';
import { LruMap } from '../lib/lru-map.ts';
import { BuyerBudget, KnownSale, staleAfterMs } from './known-sale.ts';
import type { Buyer, Till, TillOutcome } from './till.ts';

export interface Entrance {
  known: KnownSale;
  /** Many buyers share one step of the store. */
  buy: (buyer: Buyer) => Promise<TillOutcome>;
}

export interface EntranceOptions {
  /** Buyers in one step of the store at most. */
  maxBatch: number;
  nowMs: () => number;
}

const maxSalesKept = 10_000;
const maxProductsMissing = 10_000;
/** First looks at products that strangers name, at a time. */
const maxFirstLooks = 100;

/**
 * The sales that this process remembers. A product without a sale leaves nothing but the time when the store said so, in a
 * list of its own: however many are named, no sale is forgotten for them.
 */
export class Entrances {
  readonly #till: Till;
  readonly #options: EntranceOptions;
  readonly #budget = new BuyerBudget();
  readonly #kept = new LruMap<ProductId, Entrance>(maxSalesKept, ({ known }) => known.close());
  readonly #missingSinceMs = new LruMap<ProductId, number>(maxProductsMissing);
  readonly #firstLooks = new Map<ProductId, Promise<Entrance | undefined>>();

  constructor(till: Till, options: EntranceOptions) {
    this.#till = till;
    this.#options = options;
  }

  /** Only what memory has; it may be stale. */
  find(productId: ProductId): Entrance | undefined {
    return this.#kept.get(productId);
  }

  /** Whether the store said a moment ago that the product has no sale. */
  isMissing(productId: ProductId): boolean {
    const sinceMs = this.#missingSinceMs.get(productId);
    return sinceMs !== undefined && this.#options.nowMs() - sinceMs <= staleAfterMs;
  }

  /** It was seen to have one after all. */
  forgetMissing(productId: ProductId): void {
    this.#missingSinceMs.set(productId, Number.NEGATIVE_INFINITY);
  }

  /**
   * Fresh, by asking the store where memory is not.
   *
   * @param isStranger nothing is known of the caller yet, so there are few first looks for all such callers
   * @returns undefined when the product has no sale
   * @throws WeirError OVERLOADED, STORE_AWAY
   */
  async enter(productId: ProductId, isStranger: boolean): Promise<Entrance | undefined> {
    const entrance = this.#kept.get(productId);
    if (!entrance) return this.isMissing(productId) ? undefined : this.#lookFirst(productId, isStranger);
    if (!entrance.known.isFresh) await entrance.known.refresh();
    return entrance;
  }

  /** Shared by all who ask for the product meanwhile. */
  #lookFirst(productId: ProductId, isStranger: boolean): Promise<Entrance | undefined> {
    let look = this.#firstLooks.get(productId);
    if (look) return look;
    const { size } = this.#firstLooks;
    if (isStranger && size >= maxFirstLooks) {
      throw new WeirError('OVERLOADED', `${size} products are being looked up`);
    }
    look = this.#look(productId).finally(() => this.#firstLooks.delete(productId));
    this.#firstLooks.set(productId, look);
    return look;
  }

  async #look(productId: ProductId): Promise<Entrance | undefined> {
    const { maxBatch, nowMs } = this.#options;
    const askedAtMs = nowMs();
    const known = new KnownSale(this.#till, productId, nowMs, this.#budget);
    try {
      await known.refresh();
    } catch (error) {
      known.close();
      throw error;
    }
    if (!known.exists) {
      this.#missingSinceMs.set(productId, askedAtMs);
      return undefined;
    }
    const entrance: Entrance = {
      known,
      // Two at a time: while one is answered the next is on its way.
      buy: gather((buyers: Buyer[]) => this.#till.buy(productId, buyers), {
        maxItems: maxBatch,
        maxInFlight: 2,
      }),
    };
    this.#kept.set(productId, entrance);
    return entrance;
  }
}
