import type { Command } from 'commander';
import { config, json, limit, url } from './command-options.ts';

export function addParkedCommands(program: Command, end: (exitCode: number) => void): void {
  const parked = program.command('parked').description('what has been set aside with a reason');
  const command = (usage: string, description: string) =>
    parked.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  const withFilter = (filtered: Command) =>
    filtered
      .option('--reason <code>', 'PRODUCT_UNKNOWN, …')
      .option('--origin <origin>', 'STREAM, OUTBOX or RESULT')
      .option('--source <source>', 'SECKILL, ORDER, …')
      .option('--scope <key>', "the stream's key, or the result queue");

  withFilter(command('list', 'newest first; only what waits'))
    .option('--state <state>', 'PARKED, REPLAYED, DISCARDED or ALL')
    .addOption(limit())
    .action(async (options) => end(await (await import('./parked.ts')).listParked(options)));
  command('show <id>', 'one item with its original bytes').action(async (id, options) =>
    end(await (await import('./parked.ts')).showParked(id, options)),
  );
  withFilter(command('replay [ids...]', 'send items once more where they were going'))
    .option('--all', 'every item that the filters let through')
    .addHelpText(
      'after',
      `
Safe to repeat: what has been replayed answers with what became of it.

Examples:
  weir parked replay 17 18
  weir parked replay --all --reason PRODUCT_UNKNOWN`,
    )
    .action(async (ids, options) => end(await (await import('./parked.ts')).replayParked(ids, options)));
  withFilter(command('discard [ids...]', 'give items up; they stay on record with your reason'))
    .option('--all', 'every item that the filters let through')
    .requiredOption('--because <text>', 'why nothing is owed for them')
    .action(async (ids, options) => end(await (await import('./parked.ts')).discardParked(ids, options)));
}
