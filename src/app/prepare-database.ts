import { embeddedMigrations } from '../adapters/embedded/migrations.ts';
import { createDatabaseIfMissing } from '../adapters/postgres/create-database.ts';
import { loadDemoCatalogue } from '../adapters/postgres/demo-catalogue.ts';
import { checkSequences } from '../adapters/postgres/keep-sequences.ts';
import { checkSchema, migrate, ownMigrations } from '../adapters/postgres/migrate.ts';
import { checkPooler } from '../adapters/postgres/pooler.ts';
import { isUnavailable } from '../adapters/postgres/transient.ts';
import type { Config, DataConfig } from '../config/config.ts';
import type { Actor } from '../core/actor.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import type { Migrations } from '../lib/migrations.ts';
import type { Database } from '../lib/sql.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import { isDatabaseEmbedded, toConnectionOptions, wantsDemo } from './stores.ts';

/** The embedded stores have tables of their own, in the same database. */
function migrationsOf(data: DataConfig): Migrations[] {
  const isEmbedded = isDatabaseEmbedded(data) || data.redis.addr === '' || data.rabbitmq.url === '';
  return isEmbedded ? [ownMigrations, embeddedMigrations] : [ownMigrations];
}

/** `actor`: undefined at a start. @returns the names of the migrations applied now */
export function migrateAll(data: DataConfig, database: Database, actor?: Actor): Promise<string[]> {
  return migrate(database, migrationsOf(data), actor);
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
