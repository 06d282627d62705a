import type { ProductId, UserId } from '../core/instance/purchase.ts';
import { shareInFlight } from '../lib/gather.ts';
import type { Checkout, Refusal, SaleSnapshot } from './checkout.ts';
import { judgeState, needsTicket, type SaleState } from './sale.ts';

/** An answer from memory is at most this old. */
export const staleAfterMs = 250;
/** Older than this it is looked up again, while it still answers. */
const refreshAfterMs = 125;
const youngForMs = 20;
/**
 * More are not kept: such a sale asks the store about everybody, since anybody may be one of them. About 100 MB.
 */
const maxBuyersKept = 1_000_000;

/** How many buyers the sales of one process may keep together, so that memory has a bound. */
export class BuyerBudget {
  #left: number;

  constructor(most = maxBuyersKept) {
    this.#left = most;
  }

  /** @returns false, and takes nothing, where less is left */
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
 * What this process remembers of one sale, so that a flood which can only be refused never reaches the store. Who has
 * bought is remembered as well: a buyer who asks again gets the existing entry, which only the store knows.
 */
export class SaleCache {
  readonly #checkout: Checkout;
  readonly #productId: ProductId;
  readonly #nowMs: () => number;
  readonly #refreshShared: (productId: ProductId) => Promise<void>;
  #look: SaleSnapshot | undefined;
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

  /** Read so recently that another read would return the same. */
  get isYoung(): boolean {
    return this.#ageMs <= youngForMs;
  }

  get number(): number {
    return this.#look?.number ?? 0;
  }

  /** What tickets of the present sale are signed with; undefined when they are of no use in it. */
  get ticketSecret(): string | undefined {
    return this.#look && needsTicket(this.#look.sale) ? this.#look.secret : undefined;
  }

  /** The store's clock, as far as it is known. */
  get storeMs(): number {
    return (this.#look?.nowMs ?? 0) + this.#ageMs;
  }

  /** How many visitors its waiting room admits before this time of the store's clock, from now on. */
  countAdmittedBefore(timeMs: number): number {
    const fromMs = Math.max(this.storeMs, this.#look?.sale.startsAt?.getTime() ?? 0);
    return Math.floor((Math.max(0, timeMs - fromMs) * (this.#look?.sale.admitPerSecond ?? 0)) / 1000);
  }

  /** Shared by all who ask for it at the same time. @throws WeirError STORE_UNAVAILABLE */
  refresh(): Promise<void> {
    return this.#refreshShared(this.#productId);
  }

  /** Why this user cannot buy now; undefined: the store has to say. Only while `isFresh`. */
  refuse(userId: UserId): Refusal | undefined {
    if (this.#ageMs > refreshAfterMs) this.refresh().catch(() => {});
    if (!this.#look) return 'SALE_NOT_FOUND';
    // By the store's clock, moved on: a sale begins and ends in memory at the moment it does there.
    const refusal = refusals[judgeState(this.#look.sale, this.storeMs)];
    if (refusal === undefined || !this.#keepsBuyers || this.#buyersSeen < this.#look.buyerCount)
      return undefined;
    return this.#buyers.size > 0 && this.#buyers.has(userId.toString()) ? undefined : refusal;
  }

  get #ageMs(): number {
    return this.#nowMs() - this.#askedAtMs;
  }

  async #lookAgain(): Promise<void> {
    for (;;) {
      const askedAtMs = this.#nowMs();
      const look = await this.#checkout.look(this.#productId, {
        ...{ life: this.#life, count: this.#buyersSeen, last: this.#lastBuyer },
        wantsMore: this.#keepsBuyers,
      });
      // Another sale, or this one after its store lost the buyers that are known here.
      if (!look || look.life !== this.#life || look.from < this.#buyersSeen) this.#forgetBuyers();
      this.#life = look?.life ?? '';
      this.#look = look;
      this.#askedAtMs = askedAtMs;
      if (!look || !this.#keepsBuyers || look.from + look.buyers.length === this.#buyersSeen) return;
      if (!this.#budget.take(look.buyers.length)) {
        this.#forgetBuyers();
        this.#keepsBuyers = false;
        return;
      }
      for (const buyer of look.buyers) this.#buyers.add(buyer);
      this.#buyersSeen += look.buyers.length;
      this.#lastBuyer = look.buyers.at(-1) as string;
      if (this.#buyersSeen >= look.buyerCount) return;
    }
  }

  /** Gives the memory back to the other sales. */
  #forgetBuyers(): void {
    this.#budget.release(this.#buyersSeen);
    this.#buyers = new Set();
    this.#buyersSeen = 0;
    this.#lastBuyer = '';
    this.#keepsBuyers = !this.#isClosed;
  }

  /** For good: a look that is under way keeps nothing any more, and the store is asked about each buyer. */
  close(): void {
    this.#isClosed = true;
    this.#forgetBuyers();
  }
}
