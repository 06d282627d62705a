import { Argument, type Command } from 'commander';
import { config, json } from '../command-options.ts';

export function addStoresCommands(program: Command, end: (exitCode: number) => void): void {
  const stores = program.command('stores').description('assign stores to this installation');
  stores
    .command('adopt')
    .addArgument(new Argument('<store>', 'which one').choices(['redis', 'rabbitmq']))
    .description('assign the configured store to this installation')
    .addOption(config())
    .addOption(json())
    .addHelpText(
      'after',
      `
Weir refuses a store that belongs to another installation, and a new one at another address than the known
store. Adopt a store after a move or a restore. Make sure that no other Weir uses it.

Example:
  weir stores adopt redis -conf configs/config.yaml`,
    )
    .action(async (store, options) => end(await (await import('./stores.ts')).adoptStores(store, options)));
}
