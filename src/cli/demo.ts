import { readConfig } from '../config.ts';
import { loadDemoCatalogue } from '../postgres/demo-catalogue.ts';
import { migrate } from '../postgres/migrate.ts';
import { exitCodes } from './exit-codes.ts';
import { printLine } from './output.ts';
import { withDatabase } from './with-database.ts';

export async function runDemo(options: { config?: string }): Promise<number> {
  const { config } = readConfig(options.config, process.env);
  await withDatabase(config, async (database) => {
    await migrate(database);
    await loadDemoCatalogue(database);
  });
  printLine('products 1001, 1002, 1003 and order 123 are there');
  return exitCodes.ok;
}
