import { migrateAll } from '../../app/prepare-database.ts';
import { readConfig } from '../../config/config.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { describeDatabase } from './describe-database.ts';
import { localActor } from './local-actor.ts';
import { withDatabase } from './with-database.ts';

export async function runMigrate(options: { config?: string; json?: boolean }): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  const applied = await withDatabase(config, (database) => migrateAll(config.data, database, localActor()), {
    create: true,
  });
  const place = describeDatabase(config);
  if (options.json) printJson({ applied, place });
  else if (applied.length > 0) printLine(`Applied ${applied.join(', ')} to ${place}`);
  else printLine(`Applied nothing: the schema of ${place} is up to date`);
  return exitCodes.ok;
}
