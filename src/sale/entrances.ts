import type { ProductId } from '../core/instance/purchase.ts';
import { gather, shareInFlight } from '../lib/gather.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { Buyer, Checkout, CheckoutOutcome } from './checkout.ts';
import { BuyerBudget, SaleCache } from './sale-cache.ts';
import { SaleProducts } from './sale-products.ts';

export interface Entrance {
  known: SaleCache;
  /** Many buyers share one step of the store. */
  buy: (buyer: Buyer) => Promise<CheckoutOutcome>;
}

export interface EntranceOptions {
  /** Buyers in one step of the store at most. */
  maxBatch: number;
  nowMs: () => number;
}

const maxSalesKept = 10_000;

/** The sales that this process remembers. A product that never had a sale is neither remembered nor looked up in the store. */
export class Entrances {
  readonly #checkout: Checkout;
  readonly #options: EntranceOptions;
  readonly #budget = new BuyerBudget();
  readonly #kept = new LruMap<ProductId, Entrance>(maxSalesKept, ({ known }) => known.close());
  readonly #products: SaleProducts;
  readonly #lookFirst: (productId: ProductId) => Promise<Entrance>;

  constructor(checkout: Checkout, options: EntranceOptions) {
    this.#checkout = checkout;
    this.#options = options;
    this.#products = new SaleProducts(() => checkout.listProducts(), options.nowMs);
    this.#lookFirst = shareInFlight((productId) => this.#look(productId));
  }

  /** Only what memory has; it may be stale. */
  find(productId: ProductId): Entrance | undefined {
    return this.#kept.get(productId);
  }

  /** Its sale was seen to be open. */
  addProduct(productId: ProductId): void {
    this.#products.add(productId);
  }

  /**
   * Fresh, by asking the store where memory is not.
   *
   * @param isStranger nothing is verified of the caller yet: a sale that was opened less than 250 ms ago may not be found
   * @returns undefined when the product never had a sale
   * @throws WeirError STORE_UNAVAILABLE
   */
  async enter(productId: ProductId, isStranger: boolean): Promise<Entrance | undefined> {
    const entrance = this.#kept.get(productId);
    if (!entrance) {
      return (await this.#products.has(productId, isStranger)) ? this.#lookFirst(productId) : undefined;
    }
    if (!entrance.known.isFresh) await entrance.known.refresh();
    return entrance;
  }

  async #look(productId: ProductId): Promise<Entrance> {
    const { maxBatch, nowMs } = this.#options;
    const known = new SaleCache(this.#checkout, productId, nowMs, this.#budget);
    try {
      await known.refresh();
    } catch (error) {
      known.close();
      throw error;
    }
    const entrance: Entrance = {
      known,
      // Two at a time: while one is answered the next is on its way.
      buy: gather((buyers: Buyer[]) => this.#checkout.buy(productId, buyers), {
        maxItems: maxBatch,
        maxInFlight: 2,
      }),
    };
    this.#kept.set(productId, entrance);
    return entrance;
  }
}
