import type { ProductId } from '../core/instance/purchase.ts';
import { gather } from '../lib/gather.ts';
import { staleAfterMs } from './sale-cache.ts';

/**
 * For unverified callers, reading the list may take at most this share of the time: a slow list is read less
 * often.
 */
const shareOfTime = 0.02;

/**
 * The products that have or had a sale. A request for any other product uses no memory and no store access
 * except a read of the list, which concurrent callers share.
 */
export class SaleProducts {
  readonly #nowMs: () => number;
  /** Starts after the call, so that a sale open by then is found. */
  readonly #readList: (productId: ProductId) => Promise<boolean>;
  #products: Set<ProductId> = new Set();
  #freshUntilMs = Number.NEGATIVE_INFINITY;

  constructor(list: () => Promise<ProductId[]>, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#readList = gather(
      async (asked: ProductId[]) => {
        const startedMs = nowMs();
        this.#products = new Set(await list());
        this.#freshUntilMs = startedMs + Math.max(staleAfterMs, (nowMs() - startedMs) / shareOfTime);
        return asked.map((productId) => this.#products.has(productId));
      },
      { maxItems: 10_000, maxInFlight: 1 },
    );
  }

  /**
   * @param isStranger answered from a list up to 250 ms old: the list is read at most four times a second,
   * however many products unverified callers name
   * @throws WeirError STORE_UNAVAILABLE when the list cannot be read
   */
  async has(productId: ProductId, isStranger: boolean): Promise<boolean> {
    if (this.#products.has(productId)) return true;
    return isStranger && this.#nowMs() <= this.#freshUntilMs ? false : this.#readList(productId);
  }

  /** Adds a product whose sale has been found open. */
  add(productId: ProductId): void {
    this.#products.add(productId);
  }
}
