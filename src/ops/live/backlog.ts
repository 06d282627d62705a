/** What waits in one place, and since when. Ages are by the clock of the store. */
export interface Waiting {
  count: number;
  /** 0 when nothing waits. */
  oldestAgeMs: number;
}

/** What waits in the database. */
export interface DatabaseBacklog {
  /** Events, by kind of batch. */
  outbox: ReadonlyMap<string, Waiting>;
  /** Open parked items, by reason. */
  parked: ReadonlyMap<string, Waiting>;
  /** Owed and not done, by kind: RESTOCK, REFUND. */
  compensations: ReadonlyMap<string, Waiting>;
  /** How long the oldest instance that is PROCESSING has been so. */
  processingAgeMs: number;
  /** Worker ids that are leased, by any process. */
  workerIds: number;
}

/** What waits on all seckill streams together: one product or ten thousand. */
export interface StreamBacklog {
  streams: number;
  /** Not handed out to anybody yet; at least so many where the store does not count. */
  undelivered: number;
  /** Handed out and not acknowledged. */
  pending: number;
  /** Of both. */
  oldestAgeMs: number;
}

/** What one look at one place found. */
export type Backlog =
  | { place: 'database'; waiting: DatabaseBacklog }
  | { place: 'streams'; waiting: StreamBacklog }
  | UnknownBacklog;

/** The place could not be asked: whatever was known of it is old. */
export interface UnknownBacklog {
  place: 'database' | 'streams';
  waiting: undefined;
  error: unknown;
  /** Failures in a row, this one included. */
  attempt: number;
}
