import type { Config } from '../config.ts';
import type { Database } from '../lib/sql.ts';
import { createDatabaseIfMissing } from '../postgres/create-database.ts';
import { isUnavailable } from '../postgres/transient.ts';
import { openDatabase, toConnectionOptions } from '../stores.ts';
import { CliError, exitCodes } from './exit-codes.ts';

/** Lends the configured database, made where it is missing, to one command. */
export async function withDatabase<T>(config: Config, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(config, () => {});
  try {
    if (config.databaseSource !== '') await createDatabaseIfMissing(toConnectionOptions(config));
    return await work(database);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const { message } = error as Error;
    throw new CliError(exitCodes.unreachable, `the database does not answer: ${message || String(error)}`, {
      cause: error,
    });
  } finally {
    await database.close();
  }
}
