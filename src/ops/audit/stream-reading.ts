import type { SaleFigure } from './audit.ts';

/** What a stream's store says of it in one moment. */
export interface StreamReading {
  stream: string;
  /** Entries ever added; undefined where the store does not count them. */
  added: number | undefined;
  /** Rows of later entries were made after the reading and do not count; undefined: the reading and the rows are of one moment. */
  lastDelivered: string | undefined;
  undelivered: number;
  /** Ids of entries handed out and not acknowledged; those that have their row or are parked do not wait any more. */
  pending: readonly string[];
}

export interface StreamReadings {
  /** The audit reads streams first in its transaction, before its snapshot of the database is taken. */
  read(): Promise<StreamAndSaleReadings>;
  /** The entries of the units of a sale in another store, some at a time; read only to explain a difference. */
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
