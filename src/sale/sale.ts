import type { Actor } from '../core/actor.ts';
import type { ProductId } from '../core/instance/purchase.ts';

/** What a sale is opened with. */
export interface SaleTerms {
  productId: ProductId;
  /** Units, 1 to 2^31−1. */
  stock: number;
  /** Units that one user may hold. */
  perUserLimit: number;
  /** undefined: at once. */
  startsAt: Date | undefined;
  /** undefined: until it is ended. */
  endsAt: Date | undefined;
  /** `ticket`: only for those who took a ticket before the start. */
  entry: Entry;
  /** The rate of its waiting room, visitors a second. undefined: there is none. */
  admitPerSecond: number | undefined;
}

export type Entry = 'open' | 'ticket';

/** By the store's clock. SOLD_OUT may become OPEN again, by added stock or a unit restocked; ENDED is for good. */
export type SaleState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'SOLD_OUT' | 'ENDED';

/** stock = sold + remaining + restocked, at any time. */
export interface Sale extends SaleTerms {
  sold: number;
  /** Never sold. */
  remaining: number;
  /** Restocked and not sold again. */
  restocked: number;
  /** Tickets given out. */
  tickets: number;
  state: SaleState;
}

export interface SaleChange {
  action?: 'pause' | 'resume' | 'end';
  addStock?: number;
}

export type OpenOutcome = 'opened' | 'repeat' | 'conflict' | 'over';

export interface SaleStore {
  /**
   * `repeat`: it runs with the same terms. `conflict`: a sale of this product runs with others. `over`: it would have
   * ended before now. A product whose sale has ended may be sold again; its winners stay what they are.
   */
  open(terms: SaleTerms, actor: Actor): Promise<OpenOutcome>;
  find(productId: ProductId): Promise<Sale | undefined>;
  /** The sales of products that have or had one, in order of product id, above `after`. */
  list(limit: number, after: bigint): Promise<Sale[]>;
  /** @returns undefined when there is no sale; `ended` when it has ended, and nothing was changed */
  change(productId: ProductId, change: SaleChange, actor: Actor): Promise<'changed' | 'ended' | undefined>;
}

/** The terms of a sale as it was opened, as a table's row has them. */
export interface TermsRow {
  opened_stock: string;
  per_user_limit: number;
  starts_at: Date | null;
  ends_at: Date | null;
  entry: Entry;
  admit_per_second: number | null;
}

/** Whether a sale was opened with these terms, however its stock was changed since. */
export function isSameSale(row: TermsRow, terms: SaleTerms): boolean {
  return (
    Number(row.opened_stock) === terms.stock &&
    row.per_user_limit === terms.perUserLimit &&
    row.starts_at?.getTime() === terms.startsAt?.getTime() &&
    row.ends_at?.getTime() === terms.endsAt?.getTime() &&
    row.entry === terms.entry &&
    (row.admit_per_second ?? undefined) === terms.admitPerSecond
  );
}

/** What a store keeps, as it comes out of it. */
export interface StoredSale extends Omit<SaleTerms, 'productId'> {
  sold: number;
  remaining: number;
  restocked: number;
  tickets: number;
  isPaused: boolean;
  hasEnded: boolean;
}

/** `nowMs`: the store's clock. */
export function toSale(productId: ProductId, stored: StoredSale, nowMs: number): Sale {
  const { isPaused: _, hasEnded: __, ...rest } = stored;
  return { productId, ...rest, state: judgeState(stored, nowMs) };
}

export function judgeState(
  sale: Pick<StoredSale, 'hasEnded' | 'isPaused' | 'startsAt' | 'endsAt' | 'remaining' | 'restocked'>,
  nowMs: number,
): SaleState {
  if (sale.hasEnded || (sale.endsAt && sale.endsAt.getTime() <= nowMs)) return 'ENDED';
  if (sale.isPaused) return 'PAUSED';
  if (sale.startsAt && sale.startsAt.getTime() > nowMs) return 'SCHEDULED';
  return sale.remaining + sale.restocked > 0 ? 'OPEN' : 'SOLD_OUT';
}

/** Whether only a ticket lets one buy. */
export function needsTicket({ entry, admitPerSecond }: Pick<SaleTerms, 'entry' | 'admitPerSecond'>): boolean {
  return entry === 'ticket' || admitPerSecond !== undefined;
}
