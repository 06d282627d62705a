import type { Config } from './config.ts';
import type { Readiness } from './http/health.ts';
import { createHttpServer } from './http/server.ts';
import type { StreamFeed } from './http/try.ts';
import { InstanceCreation } from './instance/create-instances.ts';
import { InstanceIds } from './instance/instance-id.ts';
import { ProductCache } from './instance/product.ts';
import { splitAddr } from './lib/address.ts';
import { systemClock } from './lib/clock.ts';
import { gather } from './lib/gather.ts';
import { Lifecycle } from './lib/lifecycle.ts';
import type { Database } from './lib/sql.ts';
import { Wake } from './lib/wake.ts';
import { IntakeGate } from './outbox/intake-gate.ts';
import { type Outbox, Relay } from './outbox/relay.ts';
import { findFinishedEntries, postgresInstanceLogs } from './postgres/instance-logs.ts';
import { InstanceQueries } from './postgres/instance-queries.ts';
import { PostgresOrders } from './postgres/orders.ts';
import { postgresOutbox } from './postgres/outbox.ts';
import { listParked, parkItems } from './postgres/parked.ts';
import { PostgresProducts } from './postgres/products.ts';
import { isTransientDatabaseError } from './postgres/transient.ts';
import { postgresWorkerLeases } from './postgres/worker-leases.ts';
import {
  describeStores,
  openDatabase,
  openPublisher,
  openStreams,
  prepareDatabase,
  wantsDemo,
} from './stores.ts';
import type { Notify, Telemetry } from './telemetry.ts';
import {
  type ParkedEntry,
  type SeckillStreams,
  SeckillStreamTrigger,
  seckill,
} from './triggers/seckill-stream.ts';

export interface App {
  /** http://host:port, with the port that was really taken. */
  url: string;
  /** Resolves when the stores are there and everything works; rejects when that will never be. */
  ready: Promise<void>;
  /** Intake first, then the relay, then the connections. */
  stop(): Promise<void>;
}

/** What the parts below are made of. */
interface Core {
  config: Config;
  notify: Notify;
  lifecycle: Lifecycle;
  readiness: Readiness;
  database: Database;
  ids: InstanceIds;
  creation: InstanceCreation;
  outbox: Outbox;
  gate: IntakeGate;
  /** Rung after each commit. */
  committed: Wake;
}

/** Puts the parts together: the only file that sees the business and every technology. */
export async function startApp(config: Config, telemetry: Telemetry): Promise<App> {
  const { notify } = telemetry;
  const lifecycle = createLifecycle(notify);
  const stopping = new AbortController();
  try {
    const core = await createCore(config, notify, lifecycle);
    // In the order in which they are opened; they close in reverse.
    if (config.roles.includes('relay')) addRelay(core);
    addIntakeGate(core);
    const feed = addSeckillStreams(core);
    const url = await addHttp(core, telemetry, feed);

    const ready = prepareDatabase(config, core.database, notify, stopping.signal).then(() => {
      delete core.readiness.start;
      if (stopping.signal.aborted) return;
      lifecycle.begin();
      notify({ type: 'started', addr: url, stores: describeStores(config), roles: config.roles });
    });
    ready.catch(() => {});

    return {
      url,
      ready,
      async stop() {
        stopping.abort();
        await ready.catch(() => {});
        await lifecycle.close();
        notify({ type: 'stopped' });
      },
    };
  } catch (error) {
    await lifecycle.close();
    throw error;
  }
}

function createLifecycle(notify: Notify): Lifecycle {
  return new Lifecycle({
    releaseDeadlineMs: 15_000,
    onHang: (part) => notify({ type: 'stop hung', part }),
    onFailure: (part, error) => notify({ type: 'store failed', store: part, error, attempt: 1 }),
  });
}

async function createCore(config: Config, notify: Notify, lifecycle: Lifecycle): Promise<Core> {
  const database = await openDatabase(config, notify);
  lifecycle.defer('database', () => database.close());
  const ids = new InstanceIds(postgresWorkerLeases(database));
  lifecycle.defer('worker lease', () => ids.release());
  const outbox = postgresOutbox(database, {
    queueInSameDatabase: config.rabbitmqUrl === '',
    claimTimeoutMs: config.confirmDeadlineMs + 30_000,
  });
  const gate = new IntakeGate(outbox, {
    highWater: config.highWater,
    everyMs: 500,
    onHeld: (waiting) => notify({ type: 'intake held', waiting }),
    onResumed: (waiting) => notify({ type: 'intake resumed', waiting }),
    onFailure: reportFailure(notify, 'database'),
  });
  const committed = new Wake();
  const creation = new InstanceCreation({
    products: new ProductCache(new PostgresProducts(database)),
    ids,
    instanceLogs: postgresInstanceLogs(database),
    clock: systemClock,
    isTransient: isTransientDatabaseError,
    onCreated(counts, lastedMs) {
      committed.ring();
      notify({ type: 'instances created', counts, lastedMs });
    },
  });
  const readiness: Readiness = { start: () => 'waiting for the stores' };
  return { config, notify, lifecycle, readiness, database, ids, creation, outbox, gate, committed };
}

function addRelay({ config, notify, lifecycle, readiness, database, outbox, committed }: Core): void {
  const { publisher, close } = openPublisher(config, notify);
  lifecycle.defer('publisher', close);
  readiness.queue = () => publisher.notReady;
  const relay = new Relay(
    {
      outbox,
      publisher,
      wake: committed,
      onAnnounced: (count, lastedMs) => notify({ type: 'events announced', count, lastedMs }),
      onRefused: (refusals, parked) =>
        notify({ type: 'messages refused', count: refusals.length, why: refusals[0]?.why ?? '', parked }),
      onFailure: reportFailure(notify, 'outbox'),
    },
    { windowEvents: config.windowEvents, maxIdleMs: 1_000, maxRefusals: 5 },
  );
  const lanes = database.singleSession ? 1 : config.lanes;
  for (let lane = 1; lane <= lanes; lane++)
    lifecycle.plan(`relay lane ${lane}`, (signal) => relay.run(lane, signal));
  lifecycle.planLast('relay drain', () => relay.drain(AbortSignal.timeout(5_000)));
}

function addIntakeGate({ lifecycle, readiness, gate }: Core): void {
  readiness.database = () => gate.notReady;
  lifecycle.plan('intake gate', (signal) => gate.run(signal));
}

/** @returns where the demo puts its buyers, when there is a demo */
function addSeckillStreams(core: Core): StreamFeed | undefined {
  const { config, notify, lifecycle, readiness, database } = core;
  const demo = wantsDemo(config);
  if (!config.roles.includes('ingest') && !demo) return undefined;
  const { streams, close, notReady } = openStreams(config, database, notify);
  lifecycle.defer('streams', close);
  readiness.streams = notReady;
  if (config.roles.includes('ingest')) {
    const trigger = createSeckillTrigger(core, streams);
    lifecycle.plan('seckill stream', (signal) => trigger.run(signal));
  }
  return demo ? streams : undefined;
}

function createSeckillTrigger(
  { config, notify, database, creation, gate }: Core,
  streams: SeckillStreams,
): SeckillStreamTrigger {
  return new SeckillStreamTrigger(
    {
      streams,
      createInstances: creation.createInstances,
      findFinished: (stream, ids) => findFinishedEntries(database, stream, ids),
      park: (entries) => parkItems(database, entries.map(toParkedItem)),
      hasRoom: gate.hasRoom,
      onParked: (entries) => notify({ type: 'entries parked', entries }),
      onFailure: reportFailure(notify, 'seckill stream'),
    },
    {
      batchSize: config.batchSize,
      maxInFlight: database.singleSession ? 1 : config.commitsInFlight,
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

/** @returns the address that it listens on */
async function addHttp(core: Core, { registry }: Telemetry, feed: StreamFeed | undefined): Promise<string> {
  const { config, notify, lifecycle, readiness, database, ids, creation, gate } = core;
  const orders = new PostgresOrders(database);
  const queries = new InstanceQueries(database);
  // One commit at a time fills the next one better: at 64 connections a quarter more requests than with two.
  const gathered = { maxItems: 500, maxInFlight: 1 };
  const http = await createHttpServer({
    config,
    products: new PostgresProducts(database),
    orders: {
      findOrder: gather((wanted: string[]) => orders.findOrders(wanted), gathered),
      createOrder: (order) => orders.createOrder(order),
      findOrderByKey: (key) => orders.findOrderByKey(key),
      cancelOrder: (id) => orders.cancelOrder(id),
    },
    instances: queries,
    stats: queries,
    parked: { listParked: (limit, cursor) => listParked(database, limit, cursor) },
    createInstance: gather(creation.createInstances, gathered),
    takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
    feed,
    hasRoom: gate.hasRoom,
    readiness,
    registry,
    isTransient: isTransientDatabaseError,
    notify,
  });
  lifecycle.defer('http', () => http.close());
  return http.listen(splitAddr(config.addr));
}

function reportFailure(notify: Notify, store: string): (error: unknown, attempt: number) => void {
  return (error, attempt) => notify({ type: 'store failed', store, error, attempt });
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
