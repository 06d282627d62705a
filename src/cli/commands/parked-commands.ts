import { type Command, Option } from 'commander';
import { parkedOrigins } from '../../core/parked/parked-item.ts';
import {
  allPages,
  config,
  format,
  json,
  limit,
  ndjson,
  source,
  toUpperCase,
  url,
} from '../command-options.ts';

export function addParkedCommands(program: Command, end: (exitCode: number) => void): void {
  const parked = program.command('parked').description('show, replay and discard parked items');
  const command = (usage: string, description: string) =>
    parked.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  const withFilter = (filtered: Command) =>
    filtered
      .addOption(new Option('--reason <code>', 'PRODUCT_NOT_FOUND, …').argParser(toUpperCase))
      .addOption(new Option('--origin <origin>', 'where it was').choices(parkedOrigins))
      .addOption(source())
      .option('--scope <key>', "the stream's key, or the result queue");

  withFilter(command('list', 'newest first; only what waits'))
    .addOption(new Option('--state <state>', 'by state').choices(['PARKED', 'REPLAYED', 'DISCARDED', 'ALL']))
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addHelpText('after', '\nExample:\n  weir parked list --reason PRODUCT_NOT_FOUND --all --ndjson')
    .action(async (options) => end(await (await import('./parked.ts')).listParked(options)));
  command('show <id>', 'one item with its original bytes')
    .addHelpText('after', '\nExample:\n  weir parked show 17')
    .action(async (id, options) => end(await (await import('./parked.ts')).showParked(id, options)));
  withFilter(command('replay [ids...]', 'send items once more where they were going'))
    .option('--all', 'every item that the filters let through')
    .option('--user <id>', 'the buyer, for one entry without a readable user')
    .option('--accept-amount', "take one payment of another amount than the order's")
    .addHelpText(
      'after',
      `
Safe to repeat: a replayed item returns its first outcome.

Examples:
  weir parked replay 17 --user 42
  weir parked replay 17 18
  weir parked replay --all --reason PRODUCT_NOT_FOUND`,
    )
    .action(async (ids, options) => end(await (await import('./parked.ts')).replayParked(ids, options)));
  withFilter(command('discard [ids...]', 'give items up; they stay on record with your reason'))
    .option('--all', 'every item that the filters let through')
    .requiredOption('--because <text>', 'why nothing is owed for them')
    .addHelpText('after', '\nExample:\n  weir parked discard 17 --because "a test of ours"')
    .action(async (ids, options) => end(await (await import('./parked.ts')).discardParked(ids, options)));
}
