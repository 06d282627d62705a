import type { LedgerSale, LedgerUnit } from './ledger.ts';
import type { StoredSale } from './sale.ts';

/** A sale as reported by the store of its counters. */
export interface LiveSale {
  number: number;
  version: number;
  secret: string;
  /** Units ever sold in the sale. */
  nth: number;
  /** The sale is closed to buyers while its counters are rebuilt. */
  isRebuilding: boolean;
  sale: StoredSale;
  /** The store's clock. */
  nowMs: number;
}

/** The counters of sales, in a store that may lose its latest writes. */
export interface LiveSales {
  /** Starts the sale with its full stock, unless the store has it or a newer one. */
  open(sale: LedgerSale): Promise<void>;
  /**
   * Applies pause, end and stock, unless the store has this version or a newer one.
   * @returns false when the sale is missing
   */
  apply(sale: LedgerSale): Promise<boolean>;
  /** Reads sales in order; undefined: the store has no sale for this stream. */
  read(streams: readonly string[]): Promise<(LiveSale | undefined)[]>;
  /**
   * The same for a view: sales of a node that does not answer are undefined as well. Absent where one server
   * has them all.
   */
  readReachable?(streams: readonly string[]): Promise<(LiveSale | undefined)[]>;
  /**
   * Closes the sale to buyers, waits until every entry of its stream is an instance or parked, rebuilds the
   * counters from its units, and reopens it. A repeated call resumes; a sale is never rebuilt twice at the
   * same time.
   * @returns why it cannot be done yet; undefined: done
   */
  rebuild(sale: LedgerSale, readUnits: () => AsyncIterable<LedgerUnit[]>): Promise<string | undefined>;
}
