import { readConfig } from '../config.ts';
import { migrate } from '../postgres/migrate.ts';
import { exitCodes } from './exit-codes.ts';
import { withDatabase } from './with-database.ts';

export async function runMigrate(options: { config?: string; json?: boolean }): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  const applied = await withDatabase(config, migrate);
  if (options.json) process.stdout.write(`${JSON.stringify({ applied })}\n`);
  else
    process.stdout.write(
      applied.length > 0 ? `applied ${applied.join(', ')}\n` : 'the schema is up to date\n',
    );
  return exitCodes.ok;
}
