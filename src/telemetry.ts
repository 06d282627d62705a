import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { Registry } from 'prom-client';
import type { Audit } from './audit/audit.ts';
import type { Config } from './config.ts';
import { WeirError } from './errors.ts';
import { withoutCredentials } from './lib/credentials.ts';
import { createMetrics } from './metrics.ts';
import type { Settled } from './results/judge-result.ts';
import type { UnitOutcome } from './sale/give-back.ts';

/** What happens in Weir, in the past tense. Code tells these; this file alone makes log lines and metrics of them. */
export type Happening =
  | { type: 'started'; addr: string; stores: Record<string, string>; roles: readonly string[] }
  | { type: 'stopping'; signal: string }
  | { type: 'stopped' }
  | { type: 'stop hung'; part: string }
  | { type: 'migrated'; migrations: string[] }
  | { type: 'instances created'; counts: ReadonlyMap<string, number>; lastedMs: number }
  | { type: 'events announced'; count: number; lastedMs: number }
  | { type: 'messages refused'; count: number; why: string; parked: number }
  | { type: 'entries parked'; entries: readonly { stream: string; id: string; error: WeirError }[] }
  | { type: 'results settled'; counts: ReadonlyMap<Settled, number> }
  | { type: 'results parked'; results: readonly { error: WeirError }[] }
  | { type: 'instances overdue'; announcedAgain: number; timedOut: number }
  | { type: 'units given back'; outcomes: readonly UnitOutcome[] }
  | { type: 'orders expired'; count: number }
  | { type: 'parked item resolved'; id: string; state: string; by: string; resolution: string }
  | { type: 'audited'; audit: Audit }
  | { type: 'cleaned'; what: string; count: number }
  | { type: 'resource domain answered'; tally: object }
  | { type: 'store failed'; store: string; error: unknown; attempt: number }
  | { type: 'store back'; store: string }
  | { type: 'intake held'; waiting: number }
  | { type: 'intake resumed'; waiting: number }
  | { type: 'request failed'; route: string; error: unknown }
  | { type: 'warned'; warning: string };

export type Notify = (happening: Happening) => void;

export interface Telemetry {
  notify: Notify;
  registry: Registry;
}

export function createTelemetry(config: Pick<Config, 'logLevel' | 'logFormat'>): Telemetry {
  const log = createLogger(config);
  const registry = new Registry();
  const measure = createMetrics(registry);
  return {
    registry,
    notify(happening) {
      measure(happening);
      writeLine(log, happening);
    },
  };
}

function createLogger({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const wantsPretty = logFormat === 'pretty' || (logFormat === 'auto' && process.stderr.isTTY);
  const options = { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!wantsPretty) return pino(options, pino.destination({ dest: 2, sync: true }));
  return pino(
    options,
    pretty({ destination: 2, sync: true, translateTime: 'HH:MM:ss', ignore: 'pid,hostname' }),
  );
}

/** The first failure, then every tenth: a store that is away for an hour is not an hour of lines. */
function isWorthALine(attempt: number): boolean {
  return attempt <= 3 || attempt % 10 === 0;
}

function writeLine(log: Logger, happening: Happening): void {
  const { type, ...fields } = happening;
  switch (happening.type) {
    case 'instances created':
      log.debug({ counts: Object.fromEntries(happening.counts), ms: round(happening.lastedMs) }, type);
      break;
    case 'events announced':
      log.debug({ count: happening.count, ms: round(happening.lastedMs) }, type);
      break;
    case 'results settled':
      writeSettled(log, happening.counts);
      break;
    case 'units given back':
      log.debug({ count: happening.outcomes.length }, type);
      break;
    case 'resource domain answered':
      log.debug(happening.tally, type);
      break;
    case 'entries parked':
      for (const { stream, id, error } of happening.entries) {
        log.warn({ stream, id, reason: error.code, detail: error.message }, 'entry parked');
      }
      break;
    case 'results parked':
      for (const { error } of happening.results) {
        log.warn({ reason: error.code, detail: error.message }, 'result parked');
      }
      break;
    case 'audited':
      writeAudit(log, happening.audit);
      break;
    case 'store failed': {
      const { store, attempt, error } = happening;
      if (isWorthALine(attempt))
        log.warn({ store, attempt, error: describeError(error) }, 'store failed, trying again');
      break;
    }
    case 'request failed':
      log.error({ route: happening.route, error: describeError(happening.error) }, type);
      break;
    case 'stop hung':
    case 'instances overdue':
    case 'messages refused':
    case 'intake held':
      log.warn(fields, type);
      break;
    case 'warned':
      log.warn(happening.warning);
      break;
    default:
      log.info(fields, type);
  }
}

/** The ordinary is for those who debug; what was not applied is for the operator. */
function writeSettled(log: Logger, counts: ReadonlyMap<Settled, number>): void {
  const odd = (counts.get('late') ?? 0) + (counts.get('contradicts') ?? 0);
  log[odd > 0 ? 'warn' : 'debug']({ counts: Object.fromEntries(counts) }, 'results settled');
}

function writeAudit(log: Logger, { ok, lastedMs, sums, waiting }: Audit): void {
  if (ok) log.debug({ ms: lastedMs, waiting }, 'audited: every sum holds');
  for (const { name, law, difference, exceptions } of ok ? [] : sums) {
    if (difference === 0 && exceptions.length === 0) continue;
    log.error(
      { sum: name, law, difference, exceptions: exceptions.slice(0, 5) },
      'a sum of the audit does not hold',
    );
  }
}

/** Only what names no secret: client libraries hang commands, and with them passwords, on their errors. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const errors = error instanceof AggregateError ? error.errors : [];
  const message = error.message || errors.map((inner: Error) => inner.message).join('; ');
  return {
    type: error.name,
    message: withoutCredentials(message),
    ...('code' in error ? { code: error.code } : {}),
    ...(error instanceof WeirError && error.code !== 'INTERNAL'
      ? { advice: error.advice }
      : { stack: withoutCredentials(error.stack ?? '') }),
    ...(error.cause ? { cause: describeError(error.cause) } : {}),
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
