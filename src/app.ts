import type { FastifyInstance } from 'fastify';
import { type Config, splitAddr } from './config.ts';
import type { Readiness } from './http/health.ts';
import { createHttpServer } from './http/server.ts';
import type { StreamFeed } from './http/try.ts';
import { type CreateInstances, InstanceCreation } from './instance/create-instances.ts';
import { InstanceIds } from './instance/instance-id.ts';
import { ProductCache } from './instance/product.ts';
import { backoffMs, pause } from './lib/backoff.ts';
import { systemClock } from './lib/clock.ts';
import { gather } from './lib/gather.ts';
import { Lifecycle } from './lib/lifecycle.ts';
import type { Database } from './lib/sql.ts';
import { Wake } from './lib/wake.ts';
import { IntakeGate } from './outbox/intake-gate.ts';
import { Relay } from './outbox/relay.ts';
import { loadDemoCatalogue } from './postgres/demo-catalogue.ts';
import { postgresInstanceLogs } from './postgres/instance-logs.ts';
import { InstanceQueries } from './postgres/instance-queries.ts';
import { checkSchema, migrate } from './postgres/migrate.ts';
import { PostgresOrders } from './postgres/orders.ts';
import { postgresOutbox } from './postgres/outbox.ts';
import { listParked, parkItems } from './postgres/parked.ts';
import { PostgresProducts } from './postgres/products.ts';
import { createDatabaseIfMissing } from './postgres/server.ts';
import { isTransientDatabaseError } from './postgres/transient.ts';
import { postgresWorkerLeases } from './postgres/worker-leases.ts';
import { describeStores, openDatabase, openPublisher, openStreams, wantsDemo } from './stores.ts';
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

/** Puts the parts together: the only file that sees both the business and every technology. */
export async function startApp(config: Config, { notify, registry }: Telemetry): Promise<App> {
  const lifecycle = new Lifecycle({
    releaseDeadlineMs: 15_000,
    onHang: (part) => notify({ type: 'stop hung', part }),
    onFailure: (part, error) => notify({ type: 'store failed', store: part, error, attempt: 1 }),
  });
  const stopping = new AbortController();
  const failed = (store: string) => (error: unknown, attempt: number) =>
    notify({ type: 'store failed', store, error, attempt });
  const readiness: Readiness = { start: () => 'waiting for the stores' };

  try {
    const database = await openDatabase(config, notify);
    lifecycle.defer('database', () => database.close());

    const outbox = postgresOutbox(database, {
      queueInSameDatabase: config.rabbitmqUrl === '',
      claimTimeoutMs: config.confirmDeadlineMs + 30_000,
    });
    const products = new PostgresProducts(database);
    const orders = new PostgresOrders(database);
    const ids = new InstanceIds(postgresWorkerLeases(database));
    lifecycle.defer('worker lease', () => ids.release());

    const wake = new Wake();
    const creation = new InstanceCreation({
      products: new ProductCache(products),
      ids,
      instanceLogs: postgresInstanceLogs(database),
      clock: systemClock,
      isTransient: isTransientDatabaseError,
      onCreated(counts, lastedMs) {
        wake.ring();
        notify({ type: 'instances created', counts, lastedMs });
      },
    });
    const createInstance = gather(creation.createInstances, { maxItems: 500, maxInFlight: 2 });

    const gate = new IntakeGate(outbox, {
      highWater: config.highWater,
      everyMs: 500,
      onHeld: (waiting) => notify({ type: 'intake held', waiting }),
      onResumed: (waiting) => notify({ type: 'intake resumed', waiting }),
      onFailure: failed('database'),
    });

    const loops: (() => void)[] = [];
    /** Begins once the stores are there; at a stop, waits for what has been begun. */
    const planLoop = (name: string, run: (signal: AbortSignal) => Promise<void>) => {
      const stop = new AbortController();
      let running: Promise<void> | undefined;
      loops.push(() => {
        running = run(stop.signal);
      });
      lifecycle.defer(name, () => {
        stop.abort();
        return running;
      });
    };

    if (config.roles.includes('relay')) {
      const publisher = openPublisher(config, notify);
      lifecycle.defer('publisher', publisher.close);
      readiness.queue = () => publisher.publisher.notReady;
      const relay = new Relay(
        {
          outbox,
          publisher: publisher.publisher,
          wake,
          onAnnounced: (count, lastedMs) => notify({ type: 'events announced', count, lastedMs }),
          onRefused: (refusals, parked) =>
            notify({ type: 'messages refused', count: refusals.length, why: refusals[0]?.why ?? '', parked }),
          onFailure: failed('outbox'),
        },
        { windowEvents: config.windowEvents, idlePollMs: 200, maxRefusals: 5 },
      );
      const lanes = database.singleSession ? 1 : config.lanes;
      for (let lane = 1; lane <= lanes; lane++) planLoop(`relay lane ${lane}`, (signal) => relay.run(signal));
      lifecycle.defer('relay drain', () => relay.drain(AbortSignal.timeout(5_000)));
    }

    planLoop('intake gate', (signal) => gate.run(signal));
    readiness.database = () => gate.notReady;

    let feed: StreamFeed | undefined;
    if (config.roles.includes('ingest') || wantsDemo(config)) {
      const { streams, close, notReady } = openStreams(config, database, failed('redis'));
      if (wantsDemo(config)) feed = streams;
      lifecycle.defer('streams', close);
      readiness.streams = notReady;
      if (config.roles.includes('ingest')) {
        const trigger = createSeckillTrigger(
          config,
          database,
          streams,
          creation.createInstances,
          gate,
          notify,
        );
        planLoop('seckill stream', (signal) => trigger.run(signal));
      }
    }

    const findOrder = gather((wanted: string[]) => orders.findOrders(wanted), {
      maxItems: 500,
      maxInFlight: 2,
    });
    const http = await createHttpServer({
      config,
      products,
      orders: {
        findOrder,
        createOrder: (order) => orders.createOrder(order),
        cancelOrder: (id) => orders.cancelOrder(id),
      },
      instances: new InstanceQueries(database),
      stats: new InstanceQueries(database),
      parked: { listParked: (limit, cursor) => listParked(database, limit, cursor) },
      createInstance,
      takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
      feed,
      hasRoom: gate.hasRoom,
      readiness,
      registry,
      isTransient: isTransientDatabaseError,
      notify,
    });
    const url = await listen(http, config);
    lifecycle.defer('http', () => http.close());

    const ready = prepare(config, database, notify, stopping.signal).then(() => {
      delete readiness.start;
      if (stopping.signal.aborted) return;
      for (const begin of loops) begin();
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

/** Waits for the database, brings it up to date, loads the demo catalogue where it is wanted. */
async function prepare(
  config: Config,
  database: Database,
  notify: Notify,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      if (config.migrate) {
        if (config.databaseSource !== '') await createDatabaseIfMissing(config.databaseSource);
        const migrations = await migrate(database);
        if (migrations.length > 0) notify({ type: 'migrated', migrations });
      } else await checkSchema(database);
      if (wantsDemo(config)) await loadDemoCatalogue(database);
      return;
    } catch (error) {
      if (!isTransientDatabaseError(error)) throw error;
      notify({ type: 'store failed', store: 'database', error, attempt });
      await pause(backoffMs(attempt, { firstMs: 200, maxMs: 5_000 }), signal);
    }
  }
}

async function listen(http: FastifyInstance, { addr }: Config): Promise<string> {
  const { host, port } = splitAddr(addr);
  return http.listen({ host, port });
}

function createSeckillTrigger(
  config: Config,
  database: Database,
  streams: SeckillStreams,
  createInstances: CreateInstances,
  gate: IntakeGate,
  notify: Notify,
): SeckillStreamTrigger {
  return new SeckillStreamTrigger(
    {
      streams,
      createInstances,
      park: (entries) => parkItems(database, entries.map(toParkedItem)),
      hasRoom: gate.hasRoom,
      onParked: (entries) => notify({ type: 'entries parked', entries }),
      onFailure: (error, attempt) =>
        notify({ type: 'store failed', store: 'seckill stream', error, attempt }),
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
