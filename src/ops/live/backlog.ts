/** Count and age of the items waiting in one place, by the store's clock. */
export interface Waiting {
  count: number;
  /** 0 when nothing waits. */
  oldestAgeMs: number;
}

/** The backlog in the database. */
export interface DatabaseBacklog {
  /** Events by kind of batch. */
  outbox: ReadonlyMap<string, Waiting>;
  /** Open parked items, by reason. */
  parked: ReadonlyMap<string, Waiting>;
  /** Open compensations by kind: RESTOCK, REFUND. */
  compensations: ReadonlyMap<string, Waiting>;
  /** Age of the oldest PROCESSING instance. */
  processingAgeMs: number;
  /** Jobs over parked items that run, by the time of their last step. */
  parkedJobs: Waiting;
  /** Worker ids leased by any process. */
  workerIds: number;
}

/** The backlog of all seckill streams together, to bound the number of series. */
export interface StreamBacklog {
  streams: number;
  /** Entries not yet delivered; a lower bound where the store does not count. */
  undelivered: number;
  /** Entries delivered and not acknowledged. */
  pending: number;
  /** Oldest of both. */
  oldestAgeMs: number;
}

/** The result of reading one place's backlog. */
export type Backlog =
  | { place: 'database'; waiting: DatabaseBacklog }
  | { place: 'streams'; waiting: StreamBacklog }
  | UnknownBacklog;

/** The place could not be read, so earlier figures are stale. */
interface UnknownBacklog {
  place: 'database' | 'streams';
  waiting: undefined;
  error: unknown;
  /** Consecutive failures, including this one. */
  attempt: number;
}
