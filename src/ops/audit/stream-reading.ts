import type { SaleFigure } from './audit-figures.ts';

/** A stream's figures at one moment, from its store. */
export interface StreamReading {
  stream: string;
  /** Entries ever added; undefined where the store does not count them. */
  added: number | undefined;
  /**
   * Rows of later entries are excluded from the sum; undefined: the reading and the rows are of the same
   * moment.
   */
  lastDelivered: string | undefined;
  undelivered: number;
  /** Ids of entries delivered and not acknowledged; those with a row or a parked item no longer wait. */
  pending: readonly string[];
}

export interface StreamReadings {
  /** Called first in the audit's transaction, before its database snapshot is taken. */
  read(): Promise<StreamAndSaleReadings>;
  /** Lists the entries of a sale's units in pages; used only to explain a difference. */
  listUnits?(stream: string, number: number): AsyncIterable<SoldUnit[]>;
}

export interface SoldUnit {
  entryId: string;
  userId: string;
}

export interface StreamAndSaleReadings {
  streams: StreamReading[];
  sales: SaleFigure[];
}
