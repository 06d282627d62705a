import { embeddedCheckout } from '../adapters/embedded/checkout.ts';
import { embeddedMigrations } from '../adapters/embedded/migrations.ts';
import { openPglite } from '../adapters/embedded/pglite.ts';
import { embeddedSaleCounters } from '../adapters/embedded/sale-counters.ts';
import { embeddedSaleStore } from '../adapters/embedded/sale-store.ts';
import { addEntries, EmbeddedSeckillStreams } from '../adapters/embedded/seckill-streams.ts';
import { shareTransaction } from '../adapters/embedded/share-transaction.ts';
import { readEmbeddedBacklog } from '../adapters/embedded/stream-backlog.ts';
import { embeddedStreamPositions } from '../adapters/embedded/stream-positions.ts';
import { embeddedStreamReadings } from '../adapters/embedded/stream-readings.ts';
import type { StreamFeed } from '../adapters/http/routes/try.ts';
import { recordActivity } from '../adapters/postgres/activity.ts';
import type { ConnectionOptions } from '../adapters/postgres/connection-options.ts';
import { createDatabaseIfMissing } from '../adapters/postgres/create-database.ts';
import { loadDemoCatalogue } from '../adapters/postgres/demo-catalogue.ts';
import { postgresInstallation } from '../adapters/postgres/installation.ts';
import { checkSequences, keepSequences } from '../adapters/postgres/keep-sequences.ts';
import { checkSchema, migrate, ownMigrations } from '../adapters/postgres/migrate.ts';
import { postgresOutbox, unlockedOutbox } from '../adapters/postgres/outbox.ts';
import { checkPooler } from '../adapters/postgres/pooler.ts';
import { postgresSaleLedger } from '../adapters/postgres/sale-ledger.ts';
import { openPostgresServer } from '../adapters/postgres/server.ts';
import { isUnavailable } from '../adapters/postgres/transient.ts';
import type { RedisConfig } from '../adapters/redis/connections.ts';
import { openRedisPorts } from '../adapters/redis/open-redis.ts';
import type { Config, DataConfig } from '../config/config.ts';
import type { Actor } from '../core/actor.ts';
import type { SaleCounters } from '../core/compensation/restock.ts';
import type { Outbox } from '../core/outbox/relay.ts';
import type { SeckillStreams } from '../core/triggers/seckill-streams.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import type { Migrations } from '../lib/migrations.ts';
import type { Database } from '../lib/sql.ts';
import type { StreamReadings } from '../ops/audit/stream-reading.ts';
import { requirePairing, StorePairing } from '../ops/installation/store-pairing.ts';
import type { StreamBacklog } from '../ops/live/backlog.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import type { Checkout } from '../sale/checkout.ts';
import { guardedCheckout } from '../sale/guarded-checkout.ts';
import type { SaleLedger } from '../sale/ledger.ts';
import { ledgeredSales } from '../sale/ledgered-sales.ts';
import type { LiveSales } from '../sale/live-sales.ts';
import type { StreamPositions } from '../sale/purchase-progress.ts';
import type { SaleStore } from '../sale/sale.ts';
import { SaleGuard } from '../sale/sale-guard.ts';

// Each store is the real one when its address is configured, otherwise its embedded replacement.

/** In addition to data.database.maxConnections, for queries of operators. */
export const readConnections = 3;

export async function openDatabase(data: DataConfig, emit: Emit): Promise<Database> {
  if (isDatabaseEmbedded(data)) return openPglite(data.embedded.folder);
  const warn = (warning: string) => emit({ type: 'warned', warning });
  const onFailure = (error: unknown) => emit({ type: 'store failed', store: 'database', error, attempt: 1 });
  const database = openPostgresServer({
    ...toConnectionOptions(data.database),
    maxConnections: data.database.maxConnections,
    readConnections,
    onConnectionError: onFailure,
    onUnprepared: () =>
      warn(
        'the pooler in front of PostgreSQL loses prepared statements: Weir sends unnamed ones from here on',
      ),
    onSequenceBehind: keepSequences(() => database, { warn, onFailure }),
  });
  return database;
}

export function toConnectionOptions({ source, schema, tls }: DataConfig['database']): ConnectionOptions {
  return { url: source, schema: schema === '' ? undefined : schema, tls };
}

export function redisOf({ data, sale }: Pick<Config, 'data' | 'sale'>): RedisConfig {
  return { addr: data.redis.addr, tls: data.redis.tls, acknowledge: sale.acknowledge };
}

/**
 * Then this is its only process, with one session: no transaction may stay open while it waits for something
 * else.
 */
export function isDatabaseEmbedded({ database }: DataConfig): boolean {
  return database.source === '';
}

/** The embedded stores have tables of their own, in the same database. */
function migrationsOf(data: DataConfig): Migrations[] {
  const isEmbedded = isDatabaseEmbedded(data) || data.redis.addr === '' || data.rabbitmq.url === '';
  return isEmbedded ? [ownMigrations, embeddedMigrations] : [ownMigrations];
}

/** `actor`: undefined at a start. @returns the names of the migrations applied now */
export function migrateAll(data: DataConfig, database: Database, actor?: Actor): Promise<string[]> {
  return migrate(database, migrationsOf(data), actor);
}

/** Longer than the broker's deadline for confirms. */
const claimTimeoutMs = 60_000;

export interface OpenOutbox {
  outbox: Outbox;
  /** The database of an embedded queue: publishing removes an event from the outbox in the same commit. */
  queueDatabase: Database;
}

export function openOutbox(data: DataConfig, database: Database): OpenOutbox {
  const options = { claimTimeoutMs };
  const isQueueEmbedded = data.rabbitmq.url === '';
  if (isDatabaseEmbedded(data) && !isQueueEmbedded) {
    return { outbox: unlockedOutbox(database), queueDatabase: database };
  }
  const outbox = postgresOutbox(database, options);
  if (!isQueueEmbedded) return { outbox, queueDatabase: database };
  const view = shareTransaction(database);
  return { outbox: { ...outbox, claim: postgresOutbox(view, options).claim }, queueDatabase: view };
}

export interface OpenStreams {
  streams: SeckillStreams & StreamFeed;
  counters: SaleCounters;
  sales: SaleStore;
  checkout: Checkout;
  /** Present when the counters of sales are in another store than the database. */
  guard: SaleGuard | undefined;
  /** Present when the streams are in another store than the database. */
  pairing: StorePairing | undefined;
  places: StreamPositions;
  /** For an audit: how streams are read, and the view of the database on which it runs. */
  readingsOn: (database: Database) => { database: Database; readings: StreamReadings };
  /** The backlog of all seckill streams. */
  readBacklog: () => Promise<StreamBacklog>;
  close: () => Promise<void> | void;
  notReady: () => string | undefined;
  /** A partial failure, while the rest works. */
  remark: () => string | undefined;
}

export function openStreams(
  config: Pick<Config, 'data' | 'sale'>,
  database: Database,
  emit: Emit,
): OpenStreams {
  if (config.data.redis.addr === '') {
    const isOnlyConsumer = isDatabaseEmbedded(config.data);
    const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer });
    return {
      streams,
      counters: embeddedSaleCounters(database),
      sales: embeddedSaleStore(database, recordActivity),
      checkout: embeddedCheckout(database, addEntries, streams.onAdded),
      guard: undefined,
      pairing: undefined,
      places: embeddedStreamPositions(database, { isOnlyConsumer }),
      readingsOn: embeddedStreamReadings,
      readBacklog: () => readEmbeddedBacklog(database),
      close() {},
      notReady: () => undefined,
      remark: () => undefined,
    };
  }
  return openRedisStreams(redisOf(config), database, emit);
}

function openRedisStreams(config: RedisConfig, database: Database, emit: Emit): OpenStreams {
  const ledger = postgresSaleLedger(database);
  const redis = openRedisPorts(config, {
    emit,
    ledger,
    verify: (productId) => guard.ready(productId),
    onConnected() {
      pairing.forget();
      guard.forget();
    },
  });
  const pairing = new StorePairing({
    rows: postgresInstallation(database),
    store: redis.mark,
    onForeign: (why) => emit({ type: 'store foreign', store: 'redis', why }),
  });
  const live = requirePairing(redis.live, ['open', 'apply', 'read', 'rebuild'], pairing);
  const guard = createGuard(ledger, live, emit);
  const readings = requirePairing(redis.readings, ['read'], pairing);
  const ours = requirePairing(redis.checkout, ['buy', 'issueTicket'], pairing);
  return {
    streams: requirePairing(redis.streams, ['discover', 'read', 'takeOver', 'trim', 'add'], pairing),
    counters: requirePairing(redis.counters, ['restock'], pairing),
    sales: ledgeredSales(ledger, live),
    checkout: guardedCheckout(ours, guard),
    pairing,
    guard,
    places: redis.places,
    readingsOn: (on) => ({ database: on, readings }),
    readBacklog: () => redis.readBacklog(),
    close: () => redis.close(),
    notReady: () => redis.notReady() ?? pairing.notReady,
    remark: () => redis.remark(),
  };
}

function createGuard(ledger: SaleLedger, live: LiveSales, emit: Emit): SaleGuard {
  return new SaleGuard({
    ledger,
    live,
    onRebuilt: ({ id, stream }, why, lost) => emit({ type: 'sale rebuilt', stream, sale: id, why, lost }),
    onClosed: ({ id, stream }, why) => emit({ type: 'sale closed', stream, sale: id, why }),
    onFailure: (error, attempt) => emit({ type: 'store failed', store: 'sale guard', error, attempt }),
  });
}

export function describeStores(data: DataConfig): Record<string, string> {
  return {
    database: isDatabaseEmbedded(data) ? `embedded in ${data.embedded.folder}` : 'PostgreSQL',
    streams: data.redis.addr === '' ? 'embedded' : 'Redis',
    queue: data.rabbitmq.url === '' ? 'embedded' : 'RabbitMQ',
  };
}

export function wantsDemo({ demo: { enabled }, data }: Pick<Config, 'demo' | 'data'>): boolean {
  return enabled === 'true' || (enabled === 'auto' && isDatabaseEmbedded(data));
}

async function refuseUnfitPooler(data: DataConfig): Promise<void> {
  if (!isDatabaseEmbedded(data)) await checkPooler(toConnectionOptions(data.database));
}

/**
 * Waits for the database, migrates it, and loads the demo catalogue if requested.
 *
 * @throws what waiting cannot cure: a newer schema, a wrong password
 */
export async function prepareDatabase(
  config: Pick<Config, 'demo' | 'data'>,
  database: Database,
  emit: Emit,
  signal: AbortSignal,
): Promise<void> {
  const { data } = config;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      if (data.database.migrate) {
        if (!isDatabaseEmbedded(data)) await createDatabaseIfMissing(toConnectionOptions(data.database));
        await refuseUnfitPooler(data);
        const migrations = await migrateAll(data, database);
        if (migrations.length > 0) emit({ type: 'migrated', migrations });
      } else {
        await refuseUnfitPooler(data);
        for (const each of migrationsOf(data)) await checkSchema(database, each);
      }
      // Embedded databases are never the target of a copy.
      if (!isDatabaseEmbedded(data)) {
        await checkSequences(database, (warning) => emit({ type: 'warned', warning }));
      }
      if (wantsDemo(config)) await loadDemoCatalogue(database, undefined);
      return;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      emit({ type: 'store failed', store: 'database', error, attempt });
      await pause(backoffMs(attempt, { firstMs: 200, maxMs: 5_000 }), signal);
    }
  }
}
