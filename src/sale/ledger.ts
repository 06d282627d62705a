import type { Actor } from '../core/actor.ts';
import type { ProductId, UserId } from '../core/instance/purchase.ts';
import type { SaleChange, SaleTerms } from './sale.ts';

/** A sale as the database has it: its terms, whatever happens to the store of its counters. */
export interface LedgerSale extends SaleTerms {
  /** Also its number in the store, in tickets and in entries. */
  id: number;
  stream: string;
  /** Signs its tickets. */
  secret: string;
  isPaused: boolean;
  hasEnded: boolean;
  /** Grows with every change. */
  version: number;
  /** The highest number of a unit that became an instance; 0: none did. */
  lastNth: number;
  /** The highest number of a unit that the store was seen to have sold. */
  seenNth: number;
}

/** A unit that a buyer has or had, for the store to be rebuilt from. */
export interface LedgerUnit {
  saleId: number;
  nth: number;
  userId: UserId;
  userNth: number;
  entryId: string;
  ticketUnit: number | undefined;
  idempotencyKey: string | undefined;
  /** The unit went back to the sale. */
  isBack: boolean;
}

export type LedgerOpening =
  | { outcome: 'opened' | 'repeat'; sale: LedgerSale }
  | { outcome: 'conflict' | 'over' };

/** The sales that Weir runs in another store than the database. */
export interface SaleLedger {
  /** As `SaleStore.open`, by the database's clock. */
  open(terms: SaleTerms, actor: Actor): Promise<LedgerOpening>;
  /** @returns undefined when there is no sale; `ended` when it has ended, and nothing was changed */
  change(productId: ProductId, change: SaleChange, actor: Actor): Promise<LedgerSale | 'ended' | undefined>;
  /** The latest sale of the product. */
  find(productId: ProductId): Promise<LedgerSale | undefined>;
  /** The latest sale of each product, in order of product id, above `after`. */
  list(limit: number, after: bigint): Promise<LedgerSale[]>;
  /** The latest sale of each product whose sale runs, is to come, or ended within a day. */
  listCurrent(): Promise<LedgerSale[]>;
  /** Units that the store had sold by now. */
  noteSeen(sales: readonly { id: number; nth: number }[]): Promise<void>;
  /**
   * The store has lost its latest writes: records how many units it had sold that are neither instances nor parked. To be
   * called when its stream was read to the end.
   *
   * @returns how many
   */
  noteLoss(sale: LedgerSale): Promise<number>;
  /** Every product that has or had a sale. */
  listProducts(): Promise<ProductId[]>;
  /** The secret of an earlier sale of the product. */
  findSecret(productId: ProductId, id: number): Promise<string | undefined>;
  /**
   * Every unit of the stream's sales, those of parked entries included, in order of sale and number, some thousand at a
   * time. Waits for compensations that are being carried out.
   */
  readUnits(stream: string): AsyncIterable<LedgerUnit[]>;
}
