import type { Actor } from '../core/actor.ts';
import type { ProductId } from '../core/instance/purchase.ts';

/** The terms of a sale. */
export interface SaleTerms {
  productId: ProductId;
  /** Units, 1 to 2^31−1. */
  stock: number;
  /** Maximum units per user. */
  perUserLimit: number;
  /** undefined: starts immediately. */
  startsAt: Date | undefined;
  /** undefined: runs until an operator ends it. */
  endsAt: Date | undefined;
  /** `ticket`: only holders of a ticket issued before the start can buy. */
  entry: Entry;
  /** Admission rate of the waiting room, in visitors per second; undefined: no waiting room. */
  admitPerSecond: number | undefined;
}

type Entry = 'open' | 'ticket';

/**
 * By the store's clock. SOLD_OUT becomes OPEN again when stock is added or a unit is restocked; ENDED is
 * final.
 */
export type SaleState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'SOLD_OUT' | 'ENDED';

/** At any time, stock = sold + remaining + restocked. */
export interface Sale extends SaleTerms {
  sold: number;
  /** Units never sold. */
  remaining: number;
  /** Units restocked and not sold again. */
  restocked: number;
  /** Tickets issued. */
  tickets: number;
  state: SaleState;
}

export interface SaleChange {
  action?: 'pause' | 'resume' | 'end';
  addStock?: number;
}

type OpenOutcome = 'opened' | 'repeat' | 'conflict' | 'over';

export interface SaleStore {
  /**
   * `repeat`: a sale with the same terms runs. `conflict`: a sale with other terms runs. `over`: the end lies
   * in the past. A product can be sold again after its sale has ended; earlier winners keep their instances.
   */
  open(terms: SaleTerms, actor: Actor): Promise<OpenOutcome>;
  find(productId: ProductId): Promise<Sale | undefined>;
  /** Lists sales of products with an id above `after`, in order of product id. */
  list(limit: number, after: bigint): Promise<Sale[]>;
  /** @returns undefined when there is no sale; `ended` when it has ended, and nothing was changed */
  change(productId: ProductId, change: SaleChange, actor: Actor): Promise<'changed' | 'ended' | undefined>;
}

/** The original terms of a sale, as stored in a table row. */
interface TermsRow {
  opened_stock: string;
  per_user_limit: number;
  starts_at: Date | null;
  ends_at: Date | null;
  entry: Entry;
  admit_per_second: number | null;
}

/** The same with what operators have changed since. */
export interface ChangedTermsRow extends TermsRow {
  stock: string;
  is_paused: boolean;
  has_ended: boolean;
}

export function termsOf(row: ChangedTermsRow) {
  return {
    stock: Number(row.stock),
    perUserLimit: row.per_user_limit,
    startsAt: row.starts_at ?? undefined,
    endsAt: row.ends_at ?? undefined,
    entry: row.entry,
    admitPerSecond: row.admit_per_second ?? undefined,
    isPaused: row.is_paused,
    hasEnded: row.has_ended,
  };
}

/** Whether a sale was opened with these terms, ignoring later changes of its stock. */
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

/** A sale as read from its store. */
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
  return { productId, ...rest, state: stateOfSale(stored, nowMs) };
}

export function stateOfSale(
  sale: Pick<StoredSale, 'hasEnded' | 'isPaused' | 'startsAt' | 'endsAt' | 'remaining' | 'restocked'>,
  nowMs: number,
): SaleState {
  if (sale.hasEnded || (sale.endsAt && sale.endsAt.getTime() <= nowMs)) return 'ENDED';
  if (sale.isPaused) return 'PAUSED';
  if (sale.startsAt && sale.startsAt.getTime() > nowMs) return 'SCHEDULED';
  return sale.remaining + sale.restocked > 0 ? 'OPEN' : 'SOLD_OUT';
}

/** Whether buying requires a ticket. */
export function needsTicket({ entry, admitPerSecond }: Pick<SaleTerms, 'entry' | 'admitPerSecond'>): boolean {
  return entry === 'ticket' || admitPerSecond !== undefined;
}
