import { openPglite } from '../adapters/embedded/pglite.ts';
import { shareTransaction } from '../adapters/embedded/share-transaction.ts';
import type { ConnectionOptions } from '../adapters/postgres/connection-options.ts';
import { keepSequences } from '../adapters/postgres/keep-sequences.ts';
import { postgresOutbox, unlockedOutbox } from '../adapters/postgres/outbox.ts';
import { openPostgresServer } from '../adapters/postgres/server.ts';
import type { RedisConfig } from '../adapters/redis/connections.ts';
import type { Config, DataConfig } from '../config/config.ts';
import type { Outbox } from '../core/outbox/outbox.ts';
import type { Database } from '../lib/sql.ts';
import type { Emit } from '../ops/telemetry/events.ts';

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
    onPrimaryMoved: (from, to) => warn(`PostgreSQL on ${to} accepts writes: ${from} is left`),
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

/** Longer than the broker's deadline for confirms. */
const claimTimeoutMs = 60_000;

interface OpenOutbox {
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
