import { embeddedCheckout } from '../adapters/embedded/checkout.ts';
import { embeddedSaleCounters } from '../adapters/embedded/sale-counters.ts';
import { embeddedSaleStore } from '../adapters/embedded/sale-store.ts';
import { addEntries, EmbeddedSeckillStreams } from '../adapters/embedded/seckill-streams.ts';
import { readEmbeddedBacklog } from '../adapters/embedded/stream-backlog.ts';
import { embeddedStreamPositions } from '../adapters/embedded/stream-positions.ts';
import { embeddedStreamReadings } from '../adapters/embedded/stream-readings.ts';
import type { StreamFeed } from '../adapters/http/routes/try.ts';
import { recordActivity } from '../adapters/postgres/activity.ts';
import { postgresInstallation } from '../adapters/postgres/installation.ts';
import { postgresSaleLedger } from '../adapters/postgres/sale-ledger.ts';
import type { RedisConfig } from '../adapters/redis/connections.ts';
import { openRedisPorts } from '../adapters/redis/open-redis.ts';
import type { Config } from '../config/config.ts';
import type { SaleCounters } from '../core/compensation/restock.ts';
import type { SeckillStreams } from '../core/triggers/seckill-streams.ts';
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
import { reportFailure } from './report-failure.ts';
import { isDatabaseEmbedded, redisOf } from './stores.ts';

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
    onFailure: reportFailure(emit, 'sale guard'),
  });
}
