import { type Config, readConfig } from '../config.ts';
import { adoptStore, checkPairing, type MarkedStore } from '../installation/pairing.ts';
import type { Finding } from '../lib/finding.ts';
import type { Database } from '../lib/sql.ts';
import { postgresInstallation } from '../postgres/installation.ts';
import { connectOnce } from '../redis/connect-once.ts';
import { redisMarkedStore } from '../redis/installation.ts';
import { openDatabase } from '../stores.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { printJson } from './table.ts';
import { withDatabase } from './with-database.ts';

/** Marks the configured store as this installation's. */
export async function adoptStores(
  _store: 'redis',
  options: { config?: string; json?: boolean },
): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  if (config.redisAddr === '') {
    throw new CliError(exitCodes.usage, 'data.redis.addr is not set: the streams stand in the database');
  }
  const address = await withDatabase(config, (database) =>
    withRedis(config, async (store) => {
      await adoptStore(postgresInstallation(database), store);
      return store.address;
    }),
  );
  if (options.json) printJson({ adopted: 'redis', address });
  else process.stdout.write(`Adopted the Redis at ${address}\n`);
  return exitCodes.ok;
}

/** Whether the configured stores belong to the configured database. Writes nothing; a store that does not answer is examined elsewhere. */
export async function examinePairing(config: Config): Promise<Finding[]> {
  if (config.databaseSource === '' || config.redisAddr === '') return [];
  let database: Database | undefined;
  try {
    database = await openDatabase(config, () => {});
    const rows = postgresInstallation(database);
    const why = await withRedis(config, (store) => checkPairing(rows, store));
    if (why === undefined) return [];
    const advice = 'correct data.redis.addr or data.database.source, or run `weir stores adopt redis`';
    return [{ about: 'Redis', level: 'problem', what: why, advice }];
  } catch {
    return [];
  } finally {
    await database?.close();
  }
}

async function withRedis<T>(config: Config, work: (store: MarkedStore) => Promise<T>): Promise<T> {
  const redis = await connectOnce(config).catch((error: Error) => {
    throw new CliError(exitCodes.unreachable, `cannot reach Redis at data.redis.addr: ${error.message}`);
  });
  try {
    return await work(redisMarkedStore(redis, config.redisAddr));
  } finally {
    redis.disconnect();
  }
}
