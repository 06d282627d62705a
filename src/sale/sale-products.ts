import type { ProductId } from '../core/instance/purchase.ts';
import { shareInFlight } from '../lib/gather.ts';
import { staleAfterMs } from './sale-cache.ts';

/** Reading the list takes at most this share of the time: a list that takes long is read less often. */
const shareOfTime = 0.02;

/**
 * The products that have or had a sale. However many other products are named, they leave nothing here and cost one reading
 * of the list in a quarter of a second.
 */
export class SaleProducts {
  readonly #nowMs: () => number;
  readonly #refresh: (key: 'list') => Promise<void>;
  #products: Set<ProductId> = new Set();
  #freshUntilMs = Number.NEGATIVE_INFINITY;

  constructor(list: () => Promise<ProductId[]>, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#refresh = shareInFlight(async () => {
      const startedMs = nowMs();
      const products = await list();
      this.#products = new Set(products);
      this.#freshUntilMs = startedMs + Math.max(staleAfterMs, (nowMs() - startedMs) / shareOfTime);
    });
  }

  /** Whether a fresh list does not have it. */
  isMissing(productId: ProductId): boolean {
    return !this.#products.has(productId) && this.#nowMs() <= this.#freshUntilMs;
  }

  /** @throws WeirError STORE_UNAVAILABLE when the list is not fresh and cannot be read */
  async has(productId: ProductId): Promise<boolean> {
    if (this.#products.has(productId)) return true;
    if (!this.isMissing(productId)) await this.#refresh('list');
    return this.#products.has(productId);
  }

  /** Its sale was seen to be open. */
  add(productId: ProductId): void {
    this.#products.add(productId);
  }
}
