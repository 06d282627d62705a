import type { LedgerSale, LedgerUnit } from './ledger.ts';
import type { StoredSale } from './sale.ts';

/** What the store of a sale's counters says of it. */
export interface LiveSale {
  number: number;
  version: number;
  secret: string;
  /** Units ever sold in it. */
  nth: number;
  /** It is closed for buyers while its counters are made again. */
  isRebuilding: boolean;
  sale: StoredSale;
  /** The store's clock. */
  nowMs: number;
}

/** The counters of sales, in a store of their own that may lose its latest writes. */
export interface LiveSales {
  /** Starts the sale with its full stock, unless it or a newer one is there. */
  open(sale: LedgerSale): Promise<void>;
  /** Applies pause, end and stock, unless the same or a newer version stands. @returns false where the sale is missing */
  apply(sale: LedgerSale): Promise<boolean>;
  /** In order; undefined: the store has no sale of this stream. */
  read(streams: readonly string[]): Promise<(LiveSale | undefined)[]>;
  /**
   * Closes the sale for buyers, waits until all entries of its stream are instances or parked, makes the counters again
   * from its units, and opens it. Called again it goes on; never twice at the same time for one sale.
   *
   * @returns why it could not be done now; undefined: it is done
   */
  rebuild(sale: LedgerSale, readUnits: () => AsyncIterable<LedgerUnit[]>): Promise<string | undefined>;
}
