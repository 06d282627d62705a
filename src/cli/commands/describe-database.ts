import { resolve } from 'node:path';
import { describeServer } from '../../adapters/postgres/hosts/describe-server.ts';
import { toConnectionOptions } from '../../app/stores.ts';
import type { Config } from '../../config/config.ts';

/**
 * Describes the configured database without credentials. Commands print it, so that none changes another
 * database unnoticed.
 */
export function describeDatabase(config: Config): string {
  if (config.data.database.source === '')
    return `the embedded database in ${resolve(config.data.embedded.folder)}`;
  const schema = config.data.database.schema === '' ? '' : `, schema ${config.data.database.schema}`;
  return `${describeServer(toConnectionOptions(config.data.database))}${schema}`;
}
