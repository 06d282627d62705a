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
  const all = () => new Option('--all', 'every item that the filters let through, as a job that is followed');
  const detach = () => new Option('--detach', 'with --all: do not wait for the end of the job');
  withFilter(command('replay [ids...]', 'send items once more where they were going'))
    .addOption(all())
    .addOption(detach())
    .option('--because <text>', 'with --all: a note that is kept with the job')
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
    .addOption(all())
    .addOption(detach())
    .requiredOption('--because <text>', 'why nothing is owed for them')
    .addHelpText(
      'after',
      `
Examples:
  weir parked discard 17 --because "a test of ours"
  weir parked discard --all --scope stream:seckill:9999 --because "a test of ours"`,
    )
    .action(async (ids, options) => end(await (await import('./parked.ts')).discardParked(ids, options)));
  addJobCommands(parked, end);
}

/** What --all has started. */
function addJobCommands(parked: Command, end: (exitCode: number) => void): void {
  const jobs = parked.command('jobs').description('look at replays and discards of many items, abort one');
  const command = (usage: string, description: string) =>
    jobs.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  command('list', 'newest first')
    .addOption(new Option('--state <state>', 'by state').choices(['RUNNING', 'DONE', 'ABORTED']))
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addHelpText('after', '\nExample:\n  weir parked jobs list --state running')
    .action(async (options) => end(await (await import('./parked-jobs.ts')).listJobs(options)));
  command('show <id>', 'one job and how far it is')
    .addHelpText('after', '\nExample:\n  weir parked jobs show 7')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).showJob(id, options)));
  command('results <id>', 'the items that it could not resolve, each with the reason')
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addHelpText('after', '\nExample:\n  weir parked jobs results 7 --format csv > failed.csv')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).listResults(id, options)));
  command('abort <id>', 'end it: no further item is changed')
    .addHelpText('after', '\nExample:\n  weir parked jobs abort 7')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).abortJob(id, options)));
}
