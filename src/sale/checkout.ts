import type { ProductId, SourceId, UserId } from '../core/instance/purchase.ts';
import type { StoredSale } from './sale.ts';
import type { Ticket } from './ticket.ts';

export interface Buyer {
  userId: UserId;
  /** A repeat with the same key returns the same entry, regardless of the limit. */
  idempotencyKey: string | undefined;
  /** Verified by the admission. The checkout checks its sale and its admission time. */
  ticket: Ticket | undefined;
  traceparent?: string;
}

export type Refusal =
  | 'SALE_NOT_FOUND'
  | 'NOT_STARTED'
  | 'PAUSED'
  | 'ENDED'
  | 'SOLD_OUT'
  | 'LIMIT_REACHED'
  | 'TICKET_REQUIRED'
  | 'TICKET_INVALID'
  | 'NOT_ADMITTED';

/** `accepted` and `repeat` name the entry on the sale's stream. */
export type BuyOutcome = { kind: 'accepted' | 'repeat'; streamId: SourceId } | { kind: Refusal };

/** `REBUILDING`: the sale's counters are being rebuilt; retry shortly. */
export type CheckoutOutcome = BuyOutcome | { kind: 'REBUILDING' };

/** `given` the first time, `repeat` afterwards, with the same admission time. */
export type TicketOutcome =
  | { kind: 'given' | 'repeat'; number: number; admittedAtMs: number; secret: string }
  | { kind: 'SALE_NOT_FOUND' | 'ENDED' | 'LIMIT_REACHED' | 'TICKETS_CLOSED' | 'TICKETS_UNUSED' };

/** A sale and its buyers, for answers from memory. */
export interface SaleSnapshot {
  /** Changes when the sale is opened and when its counters are rebuilt. */
  life: string;
  /** Ordinal of this sale among those of the product. */
  number: number;
  /** Key that signs its tickets; empty when it has none. */
  secret: string;
  sale: StoredSale;
  /** The store's clock. */
  nowMs: number;
  /**
   * Position of the first of `buyers`: as requested, or 0 when the caller's buyers are from another life or
   * were lost.
   */
  from: number;
  /** One page of the sale's buyers in order of purchase. */
  buyers: string[];
  /** Total number of buyers. */
  buyerCount: number;
}

/** The buyers that the caller already has. */
export interface KnownBuyers {
  life: string;
  count: number;
  last: string;
  /** false: return no buyers. */
  wantsMore: boolean;
}

/** Sells units, behind the admission. */
export interface Checkout {
  /**
   * Sells to each buyer in one atomic step, in order: window, quota, stock and stream entry, all or nothing.
   */
  buy(productId: ProductId, buyers: readonly Buyer[]): Promise<CheckoutOutcome[]>;
  readSale(productId: ProductId, knows: KnownBuyers): Promise<SaleSnapshot | undefined>;
  /** Issues a user's ticket for their n-th unit, with a position in the waiting room if there is one. */
  issueTicket(productId: ProductId, holder: { userId: UserId; unit: number }): Promise<TicketOutcome>;
  /** Lists every product that has or had a sale. */
  listProducts(): Promise<ProductId[]>;
  /** Finds the signing key of an earlier sale's tickets. */
  findSecret(productId: ProductId, number: number): Promise<string | undefined>;
}
