import type { Logger } from 'pino';
import { parseTraceparent } from '../../../core/instance/purchase.ts';
import type { Settled } from '../../../core/results/classify-result.ts';
import type { Audit } from '../../audit/audit.ts';
import type { TelemetryEvent } from '../events.ts';
import { describeError } from './describe-error.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** `event` is stable, for programs; `msg` is for people and may change. */
interface Line {
  level: Level;
  event: string;
  msg: string;
  fields?: object;
}

type Lines = { [Type in TelemetryEvent['type']]: (event: Extract<TelemetryEvent, { type: Type }>) => Line[] };

/** One line per event that matters: routine batches at debug, losses and delays at higher levels. */
const lines: Lines = {
  started: toLine('info', 'started'),
  stopping: toLine('info', 'stopping'),
  stopped: toLine('info', 'stopped'),
  'stop hung': toLine('warn', 'stop_hung'),
  migrated: toLine('info', 'migrated'),
  'instances created': ({ counts, durationMs }) => [
    {
      level: 'debug',
      event: 'instances_created',
      msg: 'instances created',
      fields: { counts: Object.fromEntries(counts), ms: round(durationMs) },
    },
  ],
  'events published': ({ count, durationMs }) => [
    {
      level: 'debug',
      event: 'events_published',
      msg: 'events published',
      fields: { count, ms: round(durationMs) },
    },
  ],
  'payment parked': ({ item, error }) => [
    {
      level: 'warn',
      event: 'payment_parked',
      msg: 'payment parked',
      fields: { ...item, detail: error.message },
    },
  ],
  'payment refused': toLine('warn', 'payment_refused'),
  'messages refused': toLine('warn', 'messages_refused'),
  'entries parked': ({ entries }) =>
    entries.map(({ stream, id, error }) => ({
      level: 'warn',
      event: 'entry_parked',
      msg: 'entry parked',
      fields: { stream, id, reason: error.code, detail: error.message },
    })),
  'dead letters parked': ({ letters }) =>
    letters.map(({ queue, messageId, error }) => ({
      level: 'warn',
      event: 'dead_letter_parked',
      msg: 'dead letter parked',
      fields: { queue, messageId, reason: error.code, detail: error.message },
    })),
  'results parked': ({ results }) =>
    results.map(({ error, instanceId, traceparent }) => ({
      level: 'warn',
      event: 'result_parked',
      msg: 'result parked',
      fields: {
        instanceId: instanceId?.toString(),
        reason: error.code,
        detail: error.message,
        ...traceOf(traceparent),
      },
    })),
  'results settled': ({ counts }) => [
    {
      level: isOdd(counts) ? 'warn' : 'debug',
      event: 'results_settled',
      msg: 'results settled',
      fields: { counts: Object.fromEntries(counts) },
    },
  ],
  'results judged': () => [],
  'instances overdue': toLine('warn', 'instances_overdue'),
  'deadlines switched': ({ blockedBy }) => [
    blockedBy
      ? {
          level: 'warn',
          event: 'deadlines_stopped',
          msg: 'no deadline runs: events do not reach a consumer',
          fields: { blockedBy },
        }
      : { level: 'info', event: 'deadlines_run', msg: 'deadlines run again' },
  ],
  'queues read': () => [],
  'refunds requested again': toLine('info', 'refunds_requested_again'),
  'units restocked': ({ outcomes }) => [
    {
      level: 'debug',
      event: 'units_restocked',
      msg: 'units restocked',
      fields: { count: outcomes.length },
    },
  ],
  'restocks failed': toLine('warn', 'restocks_failed'),
  'sale rebuilt': toLine('warn', 'sale_rebuilt'),
  'sale closed': toLine('error', 'sale_closed'),
  'orders expired': toLine('info', 'orders_expired'),
  'parked item resolved': toLine('info', 'parked_item_resolved'),
  'parked job stepped': ({ type, ...fields }) => [
    { level: fields.isLast ? 'info' : 'debug', event: 'parked_job_stepped', msg: type, fields },
  ],
  'activity recorded': toLine('info', 'activity_recorded'),
  audited: ({ audit }) => describeAudit(audit),
  cleaned: toLine('info', 'cleaned'),
  'resource domain answered': ({ tally }) => [
    {
      level: 'debug',
      event: 'resource_domain_answered',
      msg: 'resource domain answered',
      fields: tally,
    },
  ],
  'store failed': describeFailure,
  'store foreign': toLine('error', 'store_foreign'),
  'store back': toLine('info', 'store_back'),
  // A lost connection is logged by `store failed`.
  'store refused': ({ store, reason, why }) =>
    reason === 'UNREACHABLE'
      ? []
      : [{ level: 'warn', event: 'store_refused', msg: why, fields: { store, reason } }],
  'store accepted': ({ store, reason, isLast }) =>
    reason === 'UNREACHABLE' || !isLast
      ? []
      : [
          {
            level: 'info',
            event: 'store_accepted',
            msg: 'store accepts commands again',
            fields: { store, reason },
          },
        ],
  'command refused': () => [],
  'worker id': ({ outcome, workerId }) => [
    {
      level: outcome === 'refused' ? 'error' : outcome === 'lost' ? 'warn' : 'info',
      event: `worker_id_${outcome}`,
      msg: `worker id ${outcome}`,
      fields: { workerId },
    },
  ],
  'intake paused': toLine('warn', 'intake_paused'),
  'intake resumed': toLine('info', 'intake_resumed'),
  'credential rejected': () => [],
  'credentials rejected': toLine('warn', 'credentials_rejected'),
  'request answered': ({ durationMs, traceparent, type: _, ...fields }) => [
    {
      level: 'debug',
      event: 'request_answered',
      msg: 'request answered',
      fields: { ...fields, ms: round(durationMs), ...traceOf(traceparent) },
    },
  ],
  'export broken off': ({ error, type: msg, ...fields }) => [
    { level: 'warn', event: 'export_broken_off', msg, fields: { ...fields, error: describeError(error) } },
  ],
  'request failed': ({ requestId, route, error, traceparent }) => [
    {
      level: 'error',
      event: 'request_failed',
      msg: 'request failed',
      fields: { requestId, route, ...traceOf(traceparent), error: describeError(error) },
    },
  ],
  'backlog read': ({ backlog }) =>
    backlog.waiting ? [] : describeFailure({ store: `backlog ${backlog.place}`, ...backlog }),
  warned: ({ warning }) => [{ level: 'warn', event: 'warned', msg: warning }],
};

/** Frequent events that are rarely logged: their lines are not built unless debug is enabled. */
const debugOnly: ReadonlySet<TelemetryEvent['type']> = new Set([
  'instances created',
  'events published',
  'request answered',
  'units restocked',
  'resource domain answered',
]);

export function createLineWriter(log: Logger): (event: TelemetryEvent) => void {
  const isDebugging = log.isLevelEnabled('debug');
  return (event) => {
    if (!isDebugging && debugOnly.has(event.type)) return;
    const describe = lines[event.type] as (event: TelemetryEvent) => Line[];
    for (const { level, event: name, msg, fields } of describe(event))
      log[level]({ event: name, ...fields }, msg);
  };
}

function toLine(level: Level, event: string): (event: TelemetryEvent) => Line[] {
  return ({ type, ...fields }) => [{ level, event, msg: type, fields }];
}

interface StoreFailure {
  store: string;
  error: unknown;
  attempt: number;
}

function describeFailure({ store, error, attempt }: StoreFailure): Line[] {
  if (!isWorthALine(attempt)) return [];
  const fields = { store, attempt, error: describeError(error) };
  return [{ level: 'warn', event: 'store_failed', msg: 'store failed, trying again', fields }];
}

function traceOf(traceparent: unknown): { traceId?: string } {
  const { traceparent: known } = parseTraceparent(traceparent);
  return known === undefined ? {} : { traceId: known.slice(3, 35) };
}

/** Logs the first failures, then every tenth, so that a long outage does not fill the log. */
function isWorthALine(attempt: number): boolean {
  return attempt <= 3 || attempt % 10 === 0;
}

/** Whether a result was not applied, which operators need to see. */
function isOdd(counts: ReadonlyMap<Settled, number>): boolean {
  return (counts.get('late') ?? 0) + (counts.get('contradicts') ?? 0) > 0;
}

function describeAudit({ ok, durationMs, sums, waiting }: Audit): Line[] {
  if (ok) {
    const msg = 'audited: every sum holds';
    return [{ level: 'debug', event: 'audit_held', msg, fields: { ms: durationMs, waiting } }];
  }
  const off = sums.filter(({ difference, exceptions }) => difference !== 0 || exceptions.length > 0);
  return off.map(({ name, difference, exceptions }) => ({
    level: 'error',
    event: 'audit_sum_off',
    msg: 'a sum of the audit does not hold',
    fields: { sum: name, difference, exceptions: exceptions.slice(0, 5) },
  }));
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
