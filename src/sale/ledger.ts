import type { Actor } from '../core/actor.ts';
import type { ProductId, UserId } from '../core/instance/purchase.ts';
import type { SaleChange, SaleTerms } from './sale.ts';

/** A sale as recorded in the database, which keeps its terms even if the store of its counters loses them. */
export interface LedgerSale extends SaleTerms {
  /** Also the sale's number in the store, in tickets and in entries. */
  id: number;
  stream: string;
  /** Key that signs its tickets. */
  secret: string;
  isPaused: boolean;
  hasEnded: boolean;
  /** Incremented with every change. */
  version: number;
  /** The highest unit number that became an instance; 0: none. */
  lastNth: number;
  /** The highest unit number that the store has reported as sold. */
  seenNth: number;
}

/** A unit that a buyer has or had, from which the store is rebuilt. */
export interface LedgerUnit {
  saleId: number;
  nth: number;
  userId: UserId;
  userNth: number;
  entryId: string;
  ticketUnit: number | undefined;
  idempotencyKey: string | undefined;
  /** The unit was restocked. */
  isBack: boolean;
}

export type LedgerOpening =
  | { outcome: 'opened' | 'repeat'; sale: LedgerSale }
  | { outcome: 'conflict' | 'over' };

/** The sales whose counters are in another store than the database. */
export interface SaleLedger {
  /** As `SaleStore.open`, by the database's clock. */
  open(terms: SaleTerms, actor: Actor): Promise<LedgerOpening>;
  /** @returns undefined when there is no sale; `ended` when it has ended, and nothing was changed */
  change(productId: ProductId, change: SaleChange, actor: Actor): Promise<LedgerSale | 'ended' | undefined>;
  /** The latest sale of the product. */
  find(productId: ProductId): Promise<LedgerSale | undefined>;
  /** Lists the latest sale of each product with an id above `after`, in order of product id. */
  list(limit: number, after: bigint): Promise<LedgerSale[]>;
  /** Lists the latest sale of each product that is running, scheduled, or ended within a day. */
  listCurrent(): Promise<LedgerSale[]>;
  /** Records the numbers of the units that the store has sold so far. */
  noteSeen(sales: readonly { id: number; nth: number }[]): Promise<void>;
  /**
   * Records how many units the store had sold, lost, and left as neither instances nor parked items. Call it
   * after its stream was read to the end.
   * @returns the number of lost units
   */
  noteLoss(sale: LedgerSale): Promise<number>;
  /** Lists every product that has or had a sale. */
  listProducts(): Promise<ProductId[]>;
  /** Finds the signing key of an earlier sale of the product. */
  findSecret(productId: ProductId, id: number): Promise<string | undefined>;
  /**
   * Reads every unit of the stream's sales, including those of parked entries, in order of sale and number,
   * in pages of some thousand. Waits for compensations in progress.
   */
  readUnits(stream: string): AsyncIterable<LedgerUnit[]>;
}
