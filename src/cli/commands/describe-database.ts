import { resolve } from 'node:path';
import { describeServer } from '../../adapters/postgres/connection-options.ts';
import { toConnectionOptions } from '../../app/stores.ts';
import type { Config } from '../../config/config.ts';

/** The configured database as a person knows it, without credentials: commands name it, so that none acts elsewhere unseen. */
export function describeDatabase(config: Config): string {
  if (config.databaseSource === '') return `the embedded database in ${resolve(config.embeddedFolder)}`;
  const schema = config.databaseSchema === '' ? '' : `, schema ${config.databaseSchema}`;
  return `${describeServer(toConnectionOptions(config))}${schema}`;
}
