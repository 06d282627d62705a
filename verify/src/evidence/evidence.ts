import type { InstanceEvent, RefundRequest } from '../domain/contract.ts';
import type { Received } from '../domain/mailbox.ts';
import type { Shop } from '../drive/shop.ts';
import type { Operation } from '../history/operation.ts';
import type { EntryState } from '../stores/redis.ts';

/** An instance of the run, as `GET /v1/instances` lists it. */
export interface InstanceRow {
  instanceId: string;
  productId: string;
  userId: string;
  source: string;
  sourceId: string;
  scope: string;
  status: string;
  reason?: string | undefined;
}

/** The tables themselves. */
export interface Tables {
  rows: readonly Pick<InstanceRow, 'instanceId' | 'source' | 'sourceId' | 'scope' | 'status'>[];
  compensations: readonly CompensationRow[];
}

export interface CompensationRow {
  kind: string;
  source: string;
  sourceId: string;
  status: string;
  outcome: string | null;
}

export interface SaleCounters {
  stock: number;
  sold: number;
  remaining: number;
  restocked: number;
}

export interface ParkedItem {
  id: string;
  origin: string;
  reason: string;
  sourceId: string;
  instanceId: string | null;
}

/** What the consumers of the run received. */
export interface Messages {
  events: readonly Received<InstanceEvent>[];
  releases: readonly Received<InstanceEvent>[];
  refunds: readonly Received<RefundRequest>[];
  /** Whether the instance was answered with SUCCESS, by instance id. */
  answers: ReadonlyMap<string, boolean>;
  /** What Weir answered to each report of a refund, by message id. */
  reports: ReadonlyMap<string, 'ok' | string>;
}

/** Everything the judge knows, read within a moment. */
export interface Evidence {
  shop: Shop;
  operations: readonly Operation[];
  rows: readonly InstanceRow[];
  /** Status of each order that Weir made, by id. */
  orders: ReadonlyMap<string, string>;
  /** Accepted entries without a row, by entry id. */
  entries: ReadonlyMap<string, EntryState>;
  parked: readonly ParkedItem[];
  /** undefined: there is no sale. */
  sale: SaleCounters | undefined;
  /** undefined: another Resource Domain consumes. */
  messages: Messages | undefined;
  /** undefined: PostgreSQL is not known. */
  tables: Tables | undefined;
  redisMayLose: boolean;
}
