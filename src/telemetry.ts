import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Config } from './config.ts';
import { WeirError } from './errors.ts';
import { withoutCredentials } from './lib/credentials.ts';

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
    case 'entries parked':
      for (const { stream, id, error } of happening.entries) {
        log.warn({ stream, id, reason: error.code, detail: error.message }, 'entry parked');
      }
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

function createMetrics(registry: Registry): Notify {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const created = new Counter({
    name: 'weir_instances_created_total',
    help: 'Instances created, by source.',
    labelNames: ['source'],
    registers,
  });
  const confirmed = new Counter({
    name: 'weir_events_confirmed_total',
    help: 'Events that the queue has confirmed.',
    registers,
  });
  const refused = new Counter({
    name: 'weir_messages_refused_total',
    help: 'Messages that the broker returned or refused.',
    registers,
  });
  const parked = new Counter({
    name: 'weir_parked_total',
    help: 'Entries and messages parked, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const failures = new Counter({
    name: 'weir_store_failures_total',
    help: 'Failed attempts to use a store, by store.',
    labelNames: ['store'],
    registers,
  });
  const held = new Gauge({
    name: 'weir_intake_held',
    help: '1 while too many events wait and nothing is taken in.',
    registers,
  });
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const commitSeconds = new Histogram({
    name: 'weir_commit_duration_seconds',
    help: 'From a batch of purchases to its commit.',
    buckets,
    registers,
  });
  const announceSeconds = new Histogram({
    name: 'weir_announce_duration_seconds',
    help: 'From a claimed batch of frames to its last confirm.',
    buckets,
    registers,
  });
  return (happening) => {
    switch (happening.type) {
      case 'instances created':
        for (const [source, count] of happening.counts) created.inc({ source }, count);
        commitSeconds.observe(happening.lastedMs / 1000);
        break;
      case 'events announced':
        confirmed.inc(happening.count);
        announceSeconds.observe(happening.lastedMs / 1000);
        break;
      case 'messages refused':
        refused.inc(happening.count);
        if (happening.parked > 0) parked.inc({ reason: 'MESSAGE_REFUSED' }, happening.parked);
        break;
      case 'entries parked':
        for (const { error } of happening.entries) parked.inc({ reason: error.code });
        break;
      case 'store failed':
        failures.inc({ store: happening.store });
        break;
      case 'intake held':
      case 'intake resumed':
        held.set(happening.type === 'intake held' ? 1 : 0);
        break;
    }
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
