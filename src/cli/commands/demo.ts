import { loadDemoCatalogue } from '../../adapters/postgres/demo-catalogue.ts';
import { migrateAll } from '../../app/prepare-database.ts';
import { readConfig } from '../../config/config.ts';
import type { Database } from '../../lib/sql.ts';
import { exitCodes } from '../exit-codes.ts';
import { printLine } from '../output/output.ts';
import { describeDatabase } from './describe-database.ts';
import { localActor } from './local-actor.ts';
import { withDatabase } from './with-database.ts';

export async function runDemo(options: { config?: string }): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  const load = async (database: Database) => {
    const actor = localActor();
    await migrateAll(config.data, database, actor);
    await loadDemoCatalogue(database, actor);
  };
  await withDatabase(config, load, { create: true });
  printLine(`Loaded products 1001, 1002, 1003 and order 123 into ${describeDatabase(config)}`);
  return exitCodes.ok;
}
