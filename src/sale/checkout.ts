import type { ProductId, SourceId, UserId } from '../core/instance/purchase.ts';
import type { StoredSale } from './sale.ts';
import type { Ticket } from './ticket.ts';

export interface Buyer {
  userId: UserId;
  /** A repeat with the same key gets the same entry, whatever the limit. */
  idempotencyKey: string | undefined;
  /** Verified by the admission; the checkout judges whether it is of the present sale and whether its time has come. */
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

/** `REBUILDING`: the counters of the sale are being rebuilt; ask again in a moment. */
export type CheckoutOutcome = BuyOutcome | { kind: 'REBUILDING' };

/** `given` once, `repeat` after that, with the same time. */
export type TicketOutcome =
  | { kind: 'given' | 'repeat'; number: number; admittedAtMs: number; secret: string }
  | { kind: 'SALE_NOT_FOUND' | 'ENDED' | 'LIMIT_REACHED' | 'TICKETS_CLOSED' | 'TICKETS_UNUSED' };

/** A sale as it stands, and who bought in it, for answers from memory. */
export interface SaleSnapshot {
  /** Changes when the sale is opened and when its counters are made again. */
  life: string;
  /** Counts the sales of this product. */
  number: number;
  /** What its tickets are signed with; empty where it has none. */
  secret: string;
  sale: StoredSale;
  /** The store's clock. */
  nowMs: number;
  /** Where `buyers` begins: the wanted position, or 0 where the caller knows buyers of another life or lost ones. */
  from: number;
  /** Buyers of the sale in order of purchase; some at a time. */
  buyers: string[];
  /** How many there are in all. */
  buyerCount: number;
}

/** The buyers that are known already. */
export interface KnownBuyers {
  life: string;
  count: number;
  last: string;
  /** false: no buyers are wanted. */
  wantsMore: boolean;
}

/** Where units are sold: what the admission stands before. */
export interface Checkout {
  /** Each buyer is ONE atomic step: window, quota, stock, and the entry on the stream; all or nothing. In order. */
  buy(productId: ProductId, buyers: readonly Buyer[]): Promise<CheckoutOutcome[]>;
  look(productId: ProductId, knows: KnownBuyers): Promise<SaleSnapshot | undefined>;
  /** The ticket of a user for their n-th unit, and with it the place in the waiting room, where there is one. */
  giveTicket(productId: ProductId, holder: { userId: UserId; unit: number }): Promise<TicketOutcome>;
  /** Every product that has or had a sale. */
  listProducts(): Promise<ProductId[]>;
  /** What the tickets of an earlier sale of the product are signed with. */
  findSecret(productId: ProductId, number: number): Promise<string | undefined>;
}
