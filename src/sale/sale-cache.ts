import type { ProductId, UserId } from '../core/instance/purchase.ts';
import { shareInFlight } from '../lib/gather.ts';
import type { Checkout, Refusal, SaleSnapshot } from './checkout.ts';
import { needsTicket, type SaleState, stateOfSale } from './sale.ts';

/** Maximum age of an answer from memory. */
export const staleAfterMs = 250;
/** A snapshot older than this is refreshed in the background while it still answers. */
const refreshAfterMs = 125;
const youngForMs = 20;
/**
 * Above this, buyers are not cached and every request goes to the store, since any user may be a buyer. About
 * 100 MB.
 */
const maxBuyersKept = 1_000_000;

/** Bounds the number of buyers cached by all sales of one process. */
export class BuyerBudget {
  #left: number;

  constructor(most = maxBuyersKept) {
    this.#left = most;
  }

  /** @returns false, and takes nothing, when the remaining budget is smaller */
  take(count: number): boolean {
    if (count > this.#left) return false;
    this.#left -= count;
    return true;
  }

  release(count: number): void {
    this.#left += count;
  }
}

const refusals: Partial<Record<SaleState, Refusal>> = {
  SCHEDULED: 'NOT_STARTED',
  PAUSED: 'PAUSED',
  ENDED: 'ENDED',
  SOLD_OUT: 'SOLD_OUT',
};

/**
 * Caches one sale, so that requests which can only be refused never reach the store. Buyers are cached as
 * well: a returning buyer gets the existing entry, which only the store knows.
 */
export class SaleCache {
  readonly #checkout: Checkout;
  readonly #productId: ProductId;
  readonly #nowMs: () => number;
  readonly #refreshShared: (productId: ProductId) => Promise<void>;
  #snapshot: SaleSnapshot | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  readonly #budget: BuyerBudget;
  #buyers = new Set<string>();
  #buyersSeen = 0;
  #lastBuyer = '';
  #life = '';
  #keepsBuyers = true;
  #isClosed = false;

  constructor(checkout: Checkout, productId: ProductId, nowMs: () => number, budget = new BuyerBudget()) {
    this.#checkout = checkout;
    this.#budget = budget;
    this.#productId = productId;
    this.#nowMs = nowMs;
    this.#refreshShared = shareInFlight(() => this.#lookAgain());
  }

  get isFresh(): boolean {
    return this.#ageMs <= staleAfterMs;
  }

  /** Whether the snapshot is so recent that another read would return the same. */
  get isYoung(): boolean {
    return this.#ageMs <= youngForMs;
  }

  get number(): number {
    return this.#snapshot?.number ?? 0;
  }

  /** Signing key of the present sale's tickets; undefined when the sale does not accept tickets. */
  get ticketSecret(): string | undefined {
    return this.#snapshot && needsTicket(this.#snapshot.sale) ? this.#snapshot.secret : undefined;
  }

  /** The store's clock, extrapolated from the last snapshot. */
  get storeMs(): number {
    return (this.#snapshot?.nowMs ?? 0) + this.#ageMs;
  }

  /** Counts the visitors that the waiting room admits between now and this time of the store's clock. */
  countAdmittedBefore(timeMs: number): number {
    const fromMs = Math.max(this.storeMs, this.#snapshot?.sale.startsAt?.getTime() ?? 0);
    return Math.floor((Math.max(0, timeMs - fromMs) * (this.#snapshot?.sale.admitPerSecond ?? 0)) / 1000);
  }

  /**
   * Refreshes the snapshot; concurrent callers share one read.
   * @throws WeirError STORE_UNAVAILABLE
   */
  refresh(): Promise<void> {
    return this.#refreshShared(this.#productId);
  }

  /**
   * Returns why this user cannot buy now; undefined: only the store can decide. Valid only while `isFresh`.
   */
  refuse(userId: UserId): Refusal | undefined {
    if (this.#ageMs > refreshAfterMs) this.refresh().catch(() => {});
    if (!this.#snapshot) return 'SALE_NOT_FOUND';
    // Uses the extrapolated store clock, so a sale starts and ends in memory at the same moment as in the
    // store.
    const refusal = refusals[stateOfSale(this.#snapshot.sale, this.storeMs)];
    if (refusal === undefined || !this.#keepsBuyers || this.#buyersSeen < this.#snapshot.buyerCount)
      return undefined;
    return this.#buyers.size > 0 && this.#buyers.has(userId.toString()) ? undefined : refusal;
  }

  get #ageMs(): number {
    return this.#nowMs() - this.#askedAtMs;
  }

  async #lookAgain(): Promise<void> {
    for (;;) {
      const askedAtMs = this.#nowMs();
      const snapshot = await this.#checkout.readSale(this.#productId, {
        ...{ life: this.#life, count: this.#buyersSeen, last: this.#lastBuyer },
        wantsMore: this.#keepsBuyers,
      });
      // Either another sale, or this one after its store lost buyers that are cached here.
      if (!snapshot || snapshot.life !== this.#life || snapshot.from < this.#buyersSeen) this.#forgetBuyers();
      this.#life = snapshot?.life ?? '';
      this.#snapshot = snapshot;
      this.#askedAtMs = askedAtMs;
      if (!snapshot || !this.#keepsBuyers || snapshot.from + snapshot.buyers.length === this.#buyersSeen)
        return;
      if (!this.#budget.take(snapshot.buyers.length)) {
        this.#forgetBuyers();
        this.#keepsBuyers = false;
        return;
      }
      for (const buyer of snapshot.buyers) this.#buyers.add(buyer);
      this.#buyersSeen += snapshot.buyers.length;
      this.#lastBuyer = snapshot.buyers.at(-1) as string;
      if (this.#buyersSeen >= snapshot.buyerCount) return;
    }
  }

  /** Returns the memory to the budget. */
  #forgetBuyers(): void {
    this.#budget.release(this.#buyersSeen);
    this.#buyers = new Set();
    this.#buyersSeen = 0;
    this.#lastBuyer = '';
    this.#keepsBuyers = !this.#isClosed;
  }

  /**
   * Closes the cache for good: a read in progress caches nothing, and every buyer is decided by the store.
   */
  close(): void {
    this.#isClosed = true;
    this.#forgetBuyers();
  }
}
