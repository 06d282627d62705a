import { createBacklogReader } from '../adapters/postgres/backlog.ts';
import { findFinishedEntries } from '../adapters/postgres/instance-logs.ts';
import { parkItems } from '../adapters/postgres/parked.ts';
import { isTransientDatabaseError } from '../adapters/postgres/transient.ts';
import type { Config } from '../config/config.ts';
import { Relay } from '../core/outbox/relay.ts';
import type { ParkedEntry } from '../core/triggers/process-batch.ts';
import { SeckillStreamTrigger } from '../core/triggers/seckill-stream.ts';
import { seckill } from '../core/triggers/seckill-streams.ts';
import { pause } from '../lib/backoff.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import type { Backlog } from '../ops/live/backlog.ts';
import { watchBacklog } from '../ops/live/watch-backlog.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import type { Telemetry } from '../ops/telemetry/telemetry.ts';
import { type Core, createCore, reportFailure } from './components.ts';
import { openPublisher } from './queues.ts';
import { addHttp } from './roles/http.ts';
import { addSettle } from './roles/settle.ts';
import { describeStores, isDatabaseEmbedded, prepareDatabase } from './stores.ts';

export interface App {
  /** http://host:port, with the port that was really taken. */
  url: string;
  /** Resolves when the stores are there and everything works; rejects when that will never be. */
  ready: Promise<void>;
  /**
   * Intake first, then the relay, then the connections. `drains`: before that everything is still served for
   * server.http.drainMs while /readyz answers 503, so that a balancer stops sending.
   */
  stop(options?: { drains?: boolean }): Promise<void>;
}

/** Puts the parts together: the only file that sees the business and every technology. */
export async function startApp(config: Config, telemetry: Telemetry): Promise<App> {
  const { emit } = telemetry;
  const lifecycle = createLifecycle(emit);
  const stopping = new AbortController();
  const draining = new AbortController();
  try {
    const core = await createCore(config, emit, lifecycle);
    // In the order in which they are opened; they close in reverse.
    if (config.roles.includes('relay')) addRelay(core);
    addIntakeGate(core);
    if (config.roles.includes('ingest')) addSeckillStreams(core);
    if (config.roles.includes('settle')) addSettle(core);
    if (config.backlogEveryMs > 0) addBacklogWatch(core);
    addSaleGuard(core);
    const url = await addHttp(core, telemetry, draining.signal);

    const ready = prepareDatabase(config, core.database, emit, stopping.signal).then(() => {
      delete core.readiness.start;
      if (stopping.signal.aborted) return;
      lifecycle.begin();
      emit({ type: 'started', addr: url, stores: describeStores(config), roles: config.roles });
    });
    ready.catch(() => {});

    return {
      url,
      ready,
      async stop({ drains = false } = {}) {
        const isServing = core.readiness.start === undefined && config.roles.includes('http');
        draining.abort();
        if (drains && isServing) await pause(config.drainMs);
        stopping.abort();
        await ready.catch(() => {});
        await lifecycle.close();
        emit({ type: 'stopped' });
      },
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

function createLifecycle(emit: Emit): Lifecycle {
  return new Lifecycle({
    releaseDeadlineMs: 15_000,
    onHang: (part) => emit({ type: 'stop hung', part }),
    onFailure: (part, error) => emit({ type: 'store failed', store: part, error, attempt: 1 }),
  });
}

function addRelay(core: Core): void {
  const { config, emit, lifecycle, readiness, queueDatabase, outbox, committed } = core;
  const { publisher, close } = openPublisher(config, queueDatabase, emit);
  lifecycle.defer('publisher', close);
  readiness.queue = () => publisher.notReady;
  const relay = new Relay(
    {
      outbox,
      publisher: core.tracing.publisher(publisher),
      wake: committed,
      onPublished: (count, durationMs) => emit({ type: 'events published', count, durationMs }),
      onRefused: (refusals, parked) =>
        emit({ type: 'messages refused', count: refusals.length, why: refusals[0]?.why ?? '', parked }),
      onFailure: reportFailure(emit, 'outbox'),
    },
    { windowEvents: config.windowEvents, maxIdleMs: 1_000, maxRefusals: 5 },
  );
  core.outages.onOver(relay.resume);
  const lanes = isDatabaseEmbedded(config) || config.rabbitmqUrl === '' ? 1 : config.lanes;
  for (let lane = 1; lane <= lanes; lane++)
    lifecycle.plan(`relay lane ${lane}`, (signal) => relay.run(lane, signal));
  lifecycle.planLast('relay drain', () => relay.drain(AbortSignal.timeout(5_000)));
}

function addIntakeGate({ lifecycle, readiness, gate }: Core): void {
  readiness.database = () => gate.notReady;
  lifecycle.plan('intake gate', (signal) => gate.run(signal));
}

function addBacklogWatch({ config, emit, lifecycle, database, streams }: Core): void {
  const parts = {
    readDatabase: createBacklogReader(database),
    readStreams: config.roles.includes('ingest') ? streams.readBacklog : undefined,
    onRead: (backlog: Backlog) => emit({ type: 'backlog read', backlog }),
  };
  lifecycle.plan('backlog watch', (signal) => watchBacklog(parts, config.backlogEveryMs, signal));
}

function addSaleGuard({ lifecycle, streams: { guard, pairing } }: Core): void {
  if (pairing) lifecycle.plan('store pairing', (signal) => pairing.run(signal));
  if (guard) lifecycle.plan('sale guard', (signal) => guard.run(signal));
}

function addSeckillStreams(core: Core): void {
  const { lifecycle, readiness, streams } = core;
  readiness.streams = streams.notReady;
  const trigger = createSeckillTrigger(core);
  lifecycle.plan('seckill stream', (signal) => trigger.run(signal));
}

function createSeckillTrigger({
  config,
  emit,
  database,
  creation,
  gate,
  streams,
  tracing,
}: Core): SeckillStreamTrigger {
  return new SeckillStreamTrigger(
    {
      streams: tracing.streams(streams.streams),
      createInstances: creation.createInstances,
      findFinished: (stream, ids) => findFinishedEntries(database, stream, ids),
      park: (entries) => parkItems(database, entries.map(toParkedItem)),
      hasRoom: gate.hasRoom,
      isTransient: isTransientDatabaseError,
      onParked(entries) {
        emit({ type: 'entries parked', entries });
        // Not waited for: a rebuild waits for this very stream.
        for (const stream of findSoldTwice(entries)) {
          streams.guard?.distrust(stream).catch((error) => reportFailure(emit, 'sale guard')(error, 1));
        }
      },
      onFailure: reportFailure(emit, 'seckill stream'),
    },
    {
      batchSize: config.batchSize,
      maxInFlight: isDatabaseEmbedded(config) ? 1 : config.commitsInFlight,
      blockMs: 250,
      discoverEveryMs: 250,
      takeOverEveryMs: Math.min(5_000, config.minIdleMs),
      minIdleMs: config.minIdleMs,
      maxDeliveries: config.maxDeliveries,
      trimEveryMs: 10_000,
      keepFinishedMs: config.keepFinishedMs,
    },
  );
}

function findSoldTwice(entries: readonly ParkedEntry[]): ReadonlySet<string> {
  return new Set(entries.filter(({ error }) => error.code === 'UNIT_SOLD_TWICE').map(({ stream }) => stream));
}

function toParkedItem({ stream, id, error, original }: ParkedEntry) {
  return {
    origin: 'STREAM' as const,
    reason: error.code,
    detail: error.message,
    source: seckill,
    scope: stream,
    sourceId: id,
    original,
  };
}
