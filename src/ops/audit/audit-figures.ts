import type { TooManyInstances } from './audit-finding.ts';

/** Figures of all stores, as close to one moment as two stores permit. */
export interface AuditFigures {
  /** Rows ever created, including archived ones. */
  instances: readonly InstanceCount[];
  published: number;
  /** First publications waiting in the outbox. */
  waitingEvents: number;
  /** First publications parked or discarded. */
  parkedEvents: number;
  /** Paid orders created in Weir. */
  paidOrders: number;
  /** Refunds of payments that never became an instance. */
  refundsWithoutInstance: number;
  /** Compensations for failed instances, by kind. */
  compensations: Readonly<Record<'RESTOCK' | 'REFUND' | 'NOTHING', number>>;
  /** PROCESSING long after their last deadline. */
  unsettled: number;
  streams: readonly StreamFigure[];
  sales: readonly SaleFigure[];
  units: readonly UnitFigure[];
  restocked: readonly RestockedCount[];
  waiting: AuditWaiting;
}

export interface InstanceCount {
  source: string;
  scope: string;
  knownOrder: boolean;
  status: string;
  rows: number;
}

export interface StreamFigure {
  stream: string;
  /** Entries ever added; undefined where the store does not count them (Redis before 7). */
  added: number | undefined;
  /** Rows, parked entries without a row, and waiting entries. */
  rows: number;
  parked: number;
  waiting: number;
  /**
   * The stream was deleted, emptied or restored since the last count, and no operator has accepted that yet.
   * `lost`: counted entries without any effect; there may be more.
   */
  restarted: { at: Date; lost: number } | undefined;
}

export interface SaleFigure {
  stream: string;
  stock: number;
  sold: number;
  remaining: number;
  /** Restocked units that wait to be sold again. */
  restocked: number;
  /** Units ever restocked. */
  returned: number;
  /** For a sale with counters in another store: its number, and the units it ever sold. */
  number?: number;
  nth?: number;
}

/** The units of a sale with counters in another store, as recorded in the database. */
export interface UnitFigure {
  stream: string;
  /** Units sold according to the store. */
  sold: number;
  /** Those among them that are instances, parked, or possibly waiting on the stream. */
  instances: number;
  parked: number;
  waiting: number;
  /** Units that the store sold and lost, and that no operator has accepted yet. */
  lost: number;
  lostAt: Date | undefined;
  /** More instances than stock, or than the limit of a user. */
  tooMany: readonly TooManyInstances[];
}

/** Units of one stream's sale: compensation done, done before the stores were read, or owed. */
export interface RestockedCount {
  stream: string;
  doneBefore: number;
  owed: number;
}

/** Work in progress: not a difference, but worth attention when it grows. */
export interface AuditWaiting {
  entries: number;
  events: number;
  processing: number;
  overdue: number;
  parked: number;
  restocks: number;
  refunds: number;
}
