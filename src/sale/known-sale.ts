import type { ProductId, UserId } from '../instance/purchase.ts';
import { shareInFlight } from '../lib/gather.ts';
import { judgeState, needsTicket, type SaleState } from './sale.ts';
import type { Look, Refusal, Till } from './till.ts';

/** An answer from memory is at most this old. */
const staleAfterMs = 250;
/** Older than this it is looked up again, while it still answers. */
const refreshAfterMs = 125;
const youngForMs = 20;
/** More are not kept: such a sale asks the store about everybody, since anybody may be one of them. */
const maxBuyersKept = 1_000_000;

const refusals: Partial<Record<SaleState, Refusal>> = {
  SCHEDULED: 'NOT_STARTED',
  PAUSED: 'PAUSED',
  ENDED: 'ENDED',
  SOLD_OUT: 'SOLD_OUT',
};

/**
 * What this process remembers of one sale, so that a flood which can only be refused never reaches the store. Who has
 * bought is remembered as well: a buyer who asks again gets his entry, and that only the store knows.
 */
export class KnownSale {
  readonly #till: Till;
  readonly #productId: ProductId;
  readonly #nowMs: () => number;
  readonly #refreshShared: (productId: ProductId) => Promise<void>;
  #look: Look | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #number = 0;
  #buyers = new Set<string>();
  #buyersSeen = 0;
  #keepsBuyers = true;

  constructor(till: Till, productId: ProductId, nowMs: () => number) {
    this.#till = till;
    this.#productId = productId;
    this.#nowMs = nowMs;
    this.#refreshShared = shareInFlight(() => this.#lookAgain());
  }

  get isFresh(): boolean {
    return this.#ageMs <= staleAfterMs;
  }

  /** Looked up so lately that looking again would tell nothing new. */
  get isYoung(): boolean {
    return this.#ageMs <= youngForMs;
  }

  get number(): number {
    return this.#number;
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

  /** Shared by all who ask for it at the same time. @throws WeirError STORE_AWAY */
  refresh(): Promise<void> {
    return this.#refreshShared(this.#productId);
  }

  /** Why this user cannot buy now; undefined: the store has to say. Only while `isFresh`. */
  refuse(userId: UserId): Refusal | undefined {
    if (this.#ageMs > refreshAfterMs) this.refresh().catch(() => {});
    if (!this.#look) return 'SALE_UNKNOWN';
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
      // Of a sale with too many to keep none are asked for.
      const buyers = this.#keepsBuyers ? this.#buyersSeen : Number.MAX_SAFE_INTEGER / 2;
      const look = await this.#till.look(this.#productId, { number: this.#number, buyers });
      if (look?.number !== this.#number) this.#forgetBuyers();
      this.#number = look?.number ?? 0;
      this.#look = look;
      this.#askedAtMs = askedAtMs;
      if (!look || !this.#keepsBuyers) return;
      for (const buyer of look.buyers) this.#buyers.add(buyer);
      this.#buyersSeen += look.buyers.length;
      if (this.#buyersSeen >= look.buyerCount) return;
      if (look.buyerCount > maxBuyersKept) this.#keepsBuyers = false;
    }
  }

  #forgetBuyers(): void {
    this.#buyers = new Set();
    this.#buyersSeen = 0;
    this.#keepsBuyers = true;
  }
}
