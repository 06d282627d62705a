// What the API answers, as far as the page reads it.

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

export type InstanceStatus = 'PROCESSING' | 'SUCCESS' | 'FAILED';

export interface Instance {
  instanceId: string;
  productId: string;
  userId: string;
  source: string;
  sourceId: string;
  scope: string;
  status: InstanceStatus;
  reason?: string;
  createdAt: string;
  updatedAt: string;
}

export interface TimelineEntry {
  at: string;
  step: string;
  detail: string;
  by: string;
}

export interface InstanceStory extends Instance {
  timeline: TimelineEntry[];
}

/** What the server knows of this moment while the database is unavailable. */
export interface NowRest {
  waiting: { what: string; count: number | null; oldestAt: string | null }[];
  stores: { name: string; kind: string; ok: boolean | null; why: string | null }[];
}

export interface Now extends NowRest {
  at: string;
  /** Start of the first second. */
  from: string;
  seconds: number;
  series: NowSeries[];
  /** null: not known, or not yet. */
  events: (number | null)[];
  delay: { count: number; p50Ms: number; p99Ms: number } | null;
  intakePaused: boolean;
  audit: { ok: boolean; auditedAt: string; exceptions: number } | null;
}

/** Each list holds a count for each second, the oldest first. */
export interface NowSeries {
  source: string;
  purchases: number[];
  instances: number[];
  failed: number[];
}

export interface Product {
  id: string;
  name: string;
  enabled: boolean;
}

export interface Sale {
  productId: string;
  stock: number;
  sold: number;
  remaining: number;
  restocked: number;
  perUserLimit: number;
  startsAt: string | null;
  endsAt: string | null;
  state: 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'SOLD_OUT' | 'ENDED';
}

export interface Parked {
  id: string;
  origin: string;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  parkedAt: string;
  state: 'PARKED' | 'REPLAYED' | 'DISCARDED';
  attempts: number;
  resolvedAt: string | null;
  resolvedBy: string | null;
  resolution: string | null;
  instanceId: string | null;
  advice: string;
}

export interface ParkedItem extends Parked {
  /** Base64. */
  original: string;
  originalText: string | null;
}

/** Of a replay or a discard; `state` null: it could not be dealt with, and `code` says why. */
export interface Dealt {
  id: string;
  state: Parked['state'] | null;
  code?: string;
  detail?: string;
  reason?: string;
  instanceId?: string | null;
}

export interface TrendRow {
  /** Start of the step. */
  bucketStart: string;
  source: string;
  count: number | string;
  success?: number | string;
  failed?: number | string;
}

export interface Audit {
  ok: boolean;
  auditedAt: string;
  durationMs: number;
  sums: {
    name: string;
    invariant: string;
    expected: number;
    actual: number;
    difference: number;
    exceptions: { id: string; what: string; advice: string }[];
    note?: string;
  }[];
  /** What is under way, by name. */
  waiting: Record<string, number>;
}
