import type { ProductId } from '../core/instance/purchase.ts';
import { gather } from '../lib/gather.ts';
import { staleAfterMs } from './sale-cache.ts';

/** For strangers, reading the list takes at most this share of the time: a list that takes long is read less often. */
const shareOfTime = 0.02;

/**
 * The products that have or had a sale. A product that is not among them leaves nothing here and reaches no store: it costs
 * a reading of the list, which all who ask meanwhile share.
 */
export class SaleProducts {
  readonly #nowMs: () => number;
  /** Begins after the question, so that a sale that is open by then is found. */
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
   * @param isStranger answered from a list that is up to 250 ms old: however many products strangers name, the list is read
   *   four times a second
   * @throws WeirError STORE_UNAVAILABLE when the list cannot be read
   */
  async has(productId: ProductId, isStranger: boolean): Promise<boolean> {
    if (this.#products.has(productId)) return true;
    return isStranger && this.#nowMs() <= this.#freshUntilMs ? false : this.#readList(productId);
  }

  /** Its sale was seen to be open. */
  add(productId: ProductId): void {
    this.#products.add(productId);
  }
}
