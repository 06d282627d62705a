import { resolve } from 'node:path';
import { isPgliteIn } from '../../adapters/embedded/pglite.ts';
import { createDatabaseIfMissing } from '../../adapters/postgres/create-database.ts';
import { databaseDoesNotExist } from '../../adapters/postgres/sqlstates.ts';
import { isUnavailable, sqlStateOf } from '../../adapters/postgres/transient.ts';
import { openDatabase, toConnectionOptions } from '../../app/stores.ts';
import type { Config } from '../../config/config.ts';
import type { Database } from '../../lib/sql.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { describeDatabase } from './describe-database.ts';

interface WithDatabaseOptions {
  /**
   * Creates a missing database. Otherwise that is an error: the configuration names another database than the
   * operator means.
   */
  create?: boolean;
}

/** Opens the configured database for one command. */
export async function withDatabase<T>(
  config: Config,
  work: (database: Database) => Promise<T>,
  { create = false }: WithDatabaseOptions = {},
): Promise<T> {
  const isEmbedded = config.data.database.source === '';
  if (isEmbedded && !create && !(await isPgliteIn(resolve(config.data.embedded.folder))))
    throw missing(config);
  const database = await openDatabase(config.data, () => {});
  try {
    if (!isEmbedded && create) await createDatabaseIfMissing(toConnectionOptions(config.data.database));
    return await work(database);
  } catch (error) {
    if (sqlStateOf(error) === databaseDoesNotExist) throw missing(config, error);
    if (!isUnavailable(error)) throw error;
    const { message } = error as Error;
    const sentence = `cannot reach ${describeDatabase(config)}: ${message || String(error)}`;
    throw new CliError(exitCodes.unreachable, sentence, { cause: error });
  } finally {
    await database.close();
  }
}

function missing(config: Config, cause?: unknown): CliError {
  const sentence = `cannot find ${describeDatabase(config)}: create it with \`weir migrate\`, or name the configuration with -conf FILE`;
  return new CliError(exitCodes.notFound, sentence, { cause });
}
