import type { Actor } from '../../core/actor.ts';
import type { Sql } from '../../lib/sql.ts';

/** Each action, with the kind of what it changes. One that is added here needs no migration. */
export const subjectOf = {
  KEY_CREATED: 'key',
  KEY_REVOKED: 'key',
  SESSION_OPENED: 'session',
  SESSION_ENDED: 'session',
  PRODUCT_CREATED: 'product',
  PRODUCT_ENABLED: 'product',
  PRODUCT_DISABLED: 'product',
  SALE_OPENED: 'sale',
  SALE_PAUSED: 'sale',
  SALE_RESUMED: 'sale',
  SALE_ENDED: 'sale',
  SALE_STOCK_ADDED: 'sale',
  SALE_RESTOCKED: 'sale',
  ORDER_CREATED: 'order',
  ORDER_CANCELLED: 'order',
  ORDER_REFUNDED: 'order',
  ORDER_REFUND_REQUESTED: 'order',
  INSTANCE_REPUBLISHED: 'instance',
  INSTANCE_RELEASE_REQUESTED: 'instance',
  INSTANCE_SETTLED: 'instance',
  PARKED_REPLAYED: 'parked',
  PARKED_DISCARDED: 'parked',
  PARKED_JOB_STARTED: 'job',
  PARKED_JOB_REPLAYED: 'job',
  PARKED_JOB_DISCARDED: 'job',
  PARKED_JOB_ENDED: 'job',
  PARKED_JOB_ABORTED: 'job',
  STREAM_ACCEPTED: 'stream',
  SCHEMA_MIGRATED: 'schema',
  STORE_ADOPTED: 'store',
} as const;

export type Action = keyof typeof subjectOf;
type SubjectKind = (typeof subjectOf)[Action];

export const actions = Object.keys(subjectOf) as Action[];
export const subjectKinds = [...new Set(Object.values(subjectOf))] as SubjectKind[];

type Value = string | number | bigint | boolean | Date | null | readonly string[];
/**
 * Field names as in the API. Must not contain a key, a hash or another secret. undefined fields are omitted.
 */
type Fields = Readonly<Record<string, Value | undefined>>;

/** One actor's change to one subject: the changed fields, before and after. */
export interface Change {
  action: Action;
  subjectId: string;
  before?: Fields;
  after?: Fields;
}

/** Writes one record for each change, in the transaction of the change. */
export type RecordActivity = (sql: Sql, actor: Actor, ...changes: readonly Change[]) => Promise<void>;

export interface ActivityRecord {
  id: string;
  at: Date;
  actor: string;
  keyId: string | null;
  via: 'http' | 'cli';
  action: Action;
  subject: { kind: SubjectKind; id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  requestId: string | null;
}

export interface ActivityFilter {
  actor?: string | undefined;
  action?: Action | undefined;
  subject?: SubjectKind | undefined;
  subjectId?: string | undefined;
  /** Inclusive. */
  from?: Date | undefined;
  /** Exclusive. */
  to?: Date | undefined;
}

/** @returns undefined when no field differs */
export function findChanges(
  before: Fields,
  after: Fields,
): Required<Pick<Change, 'before' | 'after'>> | undefined {
  const names = Object.keys(after).filter((name) => toComparable(before[name]) !== toComparable(after[name]));
  if (names.length === 0) return undefined;
  const pick = (fields: Fields) => Object.fromEntries(names.map((name) => [name, fields[name]]));
  return { before: pick(before), after: pick(after) };
}

function toComparable(value: Fields[string]): unknown {
  return value instanceof Date ? value.getTime() : (value ?? null);
}
