import { postgresInstallation } from '../../adapters/postgres/installation.ts';
import { checkSchema } from '../../adapters/postgres/migrate.ts';
import { withBroker } from '../../adapters/rabbitmq/installation.ts';
import { redisMarkedStore } from '../../adapters/redis/installation.ts';
import { connectToMark } from '../../adapters/redis/open-redis.ts';
import { markedBroker } from '../../app/queues.ts';
import { openDatabase, redisOf } from '../../app/stores.ts';
import { type Config, readConfig } from '../../config/config.ts';
import type { Finding } from '../../lib/finding.ts';
import type { Database } from '../../lib/sql.ts';
import { adoptStore, checkPairing, type MarkedStore } from '../../ops/installation/pairing.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { describeDatabase } from './describe-database.ts';
import { localActor } from './local-actor.ts';
import { withDatabase } from './with-database.ts';

type Adoptable = 'redis' | 'rabbitmq';

interface StoreAccess {
  about: string;
  setting: string;
  isConfigured(config: Config): boolean;
  use<T>(config: Config, work: (store: MarkedStore) => Promise<T>): Promise<T>;
}

const stores: Record<Adoptable, StoreAccess> = {
  redis: {
    about: 'Redis',
    setting: 'data.redis.addr',
    isConfigured: ({ data }) => data.redis.addr !== '',
    async use(config, work) {
      const redis = await connectToMark(redisOf(config));
      try {
        return await work(redisMarkedStore(redis, config.data.redis.addr));
      } finally {
        redis.disconnect();
      }
    },
  },
  rabbitmq: {
    about: 'RabbitMQ',
    setting: 'data.rabbitmq.url',
    isConfigured: ({ data }) => data.rabbitmq.url !== '',
    use: (config, work) =>
      withBroker({ url: config.data.rabbitmq.url, tls: config.data.rabbitmq.tls }, (model) =>
        work(markedBroker(model, config.data.rabbitmq)),
      ),
  },
};

/** Marks the configured store as this installation's. */
export async function adoptStores(
  name: Adoptable,
  options: { config?: string; json?: boolean },
): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  const { about, setting, isConfigured, use } = stores[name];
  if (!isConfigured(config)) {
    throw new CliError(exitCodes.usage, `${setting} is not set: there is no ${about} to adopt`);
  }
  const address = await withDatabase(config, async (database) => {
    // Checked first, so that a missing schema is not reported as a problem of the store.
    await checkSchema(database);
    return use(config, async (store) => {
      await adoptStore(postgresInstallation(database), store, localActor());
      return store.address;
    }).catch((error: Error) => {
      throw new CliError(exitCodes.unreachable, `cannot reach ${about} at ${setting}: ${error.message}`);
    });
  });
  const place = describeDatabase(config);
  if (options.json) printJson({ adopted: name, address, place });
  else printLine(`Adopted the ${about} at ${address} for ${place}`);
  return exitCodes.ok;
}

/**
 * Whether the configured stores belong to the configured database. Changes no mark; other checks report a
 * store that does not answer.
 */
export async function diagnosePairing(config: Config): Promise<Finding[]> {
  if (config.data.database.source === '') return [];
  let database: Database | undefined;
  try {
    database = await openDatabase(config.data, () => {});
    const rows = postgresInstallation(database);
    const findings: Finding[] = [];
    for (const [name, { about, setting, isConfigured, use }] of Object.entries(stores)) {
      if (!isConfigured(config)) continue;
      const why = await use(config, (store) => checkPairing(rows, store)).catch(() => undefined);
      const advice = `correct ${setting} or data.database.source, or run \`weir stores adopt ${name}\``;
      if (why !== undefined) findings.push({ about, level: 'problem', what: why, advice });
    }
    return findings;
  } catch {
    return [];
  } finally {
    await database?.close();
  }
}
