import { readConfig } from '../config.ts';
import { migrate } from '../postgres/migrate.ts';
import { exitCodes } from './exit-codes.ts';
import { printJson, printLine } from './output.ts';
import { withDatabase } from './with-database.ts';

export async function runMigrate(options: { config?: string; json?: boolean }): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  const applied = await withDatabase(config, migrate);
  if (options.json) printJson({ applied });
  else printLine(applied.length > 0 ? `applied ${applied.join(', ')}` : 'the schema is up to date');
  return exitCodes.ok;
}
