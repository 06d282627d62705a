import type { ProductId } from '../core/instance/purchase.ts';
import { gather, shareInFlight } from '../lib/gather.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { Buyer, Checkout, CheckoutOutcome } from './checkout.ts';
import { BuyerBudget, SaleCache } from './sale-cache.ts';
import { SaleProducts } from './sale-products.ts';

export interface Entrance {
  known: SaleCache;
  /** Many buyers share one call to the store. */
  buy: (buyer: Buyer) => Promise<CheckoutOutcome>;
}

interface EntranceOptions {
  /** Maximum number of buyers in one call to the store. */
  maxBatch: number;
  nowMs: () => number;
}

const maxSalesKept = 10_000;

/**
 * The sales cached by this process. A product that never had a sale is neither cached nor read from the
 * store.
 */
export class Entrances {
  readonly #checkout: Checkout;
  readonly #options: EntranceOptions;
  readonly #budget = new BuyerBudget();
  readonly #kept = new LruMap<ProductId, Entrance>(maxSalesKept, ({ known }) => known.close());
  readonly #products: SaleProducts;
  readonly #openShared: (productId: ProductId) => Promise<Entrance>;

  constructor(checkout: Checkout, options: EntranceOptions) {
    this.#checkout = checkout;
    this.#options = options;
    this.#products = new SaleProducts(() => checkout.listProducts(), options.nowMs);
    this.#openShared = shareInFlight((productId) => this.#open(productId));
  }

  /** Returns the cached entrance, which may be stale. */
  find(productId: ProductId): Entrance | undefined {
    return this.#kept.get(productId);
  }

  /** Adds a product whose sale has been found open. */
  addProduct(productId: ProductId): void {
    this.#products.add(productId);
  }

  /**
   * Returns a fresh entrance, refreshed from the store if the cached one is stale.
   * @param isStranger the caller is unverified: a sale opened less than 250 ms ago may not be found
   * @returns undefined when the product never had a sale
   * @throws WeirError STORE_UNAVAILABLE
   */
  async enter(productId: ProductId, isStranger: boolean): Promise<Entrance | undefined> {
    const entrance = this.#kept.get(productId);
    if (!entrance) {
      return (await this.#products.has(productId, isStranger)) ? this.#openShared(productId) : undefined;
    }
    if (!entrance.known.isFresh) await entrance.known.refresh();
    return entrance;
  }

  async #open(productId: ProductId): Promise<Entrance> {
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
      // Two calls at a time: the next one is sent while the store answers the first.
      buy: gather((buyers: Buyer[]) => this.#checkout.buy(productId, buyers), {
        maxItems: maxBatch,
        maxInFlight: 2,
      }),
    };
    this.#kept.set(productId, entrance);
    return entrance;
  }
}
