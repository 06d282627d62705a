import type { DelayFigures } from './delays.ts';
import { otherSources, type SourceSeries, sumOf } from './seconds.ts';

/** The overview for operators: the last seconds, the backlogs and the health of the stores. */
export interface Now {
  at: Date;
  /** The start of the first second. */
  from: Date;
  seconds: number;
  series: SourceSeries[];
  events: (number | null)[];
  sources: SourceNow[];
  delay: DelayFigures | null;
  waiting: Waiting[];
  stores: StoreState[];
  intakePaused: boolean;
  audit: LastAudit | null;
}

interface SourceNow {
  source: string;
  /** Purchases of the window. */
  total: string;
  /** Settled in the window, regardless of the time of purchase. */
  success: string;
  failed: string;
  /** PROCESSING now, regardless of the time of purchase. */
  processing: string;
  /** Per cent of the results settled in the window; null without any. */
  successRate: string | null;
}

/** null: this store cannot report it. */
export interface Backlog {
  count: number | null;
  oldestAt: Date | null;
}

export interface Waiting extends Backlog {
  what: 'stream' | 'outbox' | 'processing' | 'overdue' | 'parked' | 'refunds';
}

/** Available while the database is unavailable. */
export interface NowRest {
  waiting: Waiting[];
  stores: StoreState[];
}

/** `error`: what the store or its client reports. */
interface StoreFailure {
  code: 'STORE_ERROR';
  params: { error: string };
}

export interface StoreState {
  name: string;
  kind: string;
  /** null: not used by this process. */
  ok: boolean | null;
  why: StoreFailure | null;
}

export interface LastAudit {
  ok: boolean;
  auditedAt: Date;
  exceptions: number;
}

export interface OpenInstances extends Backlog {
  /** Those of them that are past their deadline. */
  overdue: Backlog;
  bySource: ReadonlyMap<string, number>;
}

/** Limit for sources that have only old PROCESSING instances. */
const quietSourcesShown = 20;

/** The success rate counts settled instances only: under load most recent purchases are still PROCESSING. */
export function describeSources(
  series: readonly SourceSeries[],
  open: ReadonlyMap<string, number>,
): SourceNow[] {
  const shown = new Set(series.map(({ source }) => source));
  const unshown = [...open].filter(([source]) => !shown.has(source));
  const openOf = (source: string) =>
    source === otherSources ? sumOf(unshown.map(([, count]) => count)) : (open.get(source) ?? 0);
  const shownSources = series.map(({ source, purchases, instances, failed }) => {
    const [success, failures] = [sumOf(instances), sumOf(failed)];
    return {
      source,
      total: String(sumOf(purchases)),
      success: String(success),
      failed: String(failures),
      processing: String(openOf(source)),
      successRate: success + failures === 0 ? null : ((100 * success) / (success + failures)).toFixed(2),
    };
  });
  if (shown.has(otherSources)) return shownSources;
  const quiet = unshown.map(([source, count]) => ({
    source,
    total: '0',
    success: '0',
    failed: '0',
    processing: String(count),
    successRate: null,
  }));
  return [...shownSources, ...quiet.slice(0, quietSourcesShown)];
}
