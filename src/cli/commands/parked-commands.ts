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
      .addOption(new Option('--origin <origin>', 'origin of the item').choices(parkedOrigins))
      .addOption(source())
      .option('--scope <key>', "the stream's key, or the result queue")
      .option('--source-id <id>', 'stream entry id, order id, …');

  withFilter(command('list', 'list open items, newest first'))
    .addOption(new Option('--state <state>', 'by state').choices(['PARKED', 'REPLAYED', 'DISCARDED', 'ALL']))
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addHelpText('after', '\nExample:\n  weir parked list --reason PRODUCT_NOT_FOUND --all --ndjson')
    .action(async (options) => end(await (await import('./parked.ts')).listParked(options)));
  command('show <id>', 'show an item with its original bytes')
    .addHelpText('after', '\nExample:\n  weir parked show 17')
    .action(async (id, options) => end(await (await import('./parked.ts')).showParked(id, options)));
  const all = () => new Option('--all', 'run a job over every item that matches the filters');
  const detach = () => new Option('--detach', 'with --all: do not wait for the end of the job');
  withFilter(command('replay [ids...]', 'process items again'))
    .addOption(all())
    .addOption(detach())
    .option('--because <text>', 'with --all: a note stored with the job')
    .option('--user <id>', 'the buyer, for one entry without a readable user')
    .option('--accept-amount', "accept one payment whose amount differs from the order's")
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
  withFilter(command('discard [ids...]', 'discard items; they stay recorded with your reason'))
    .addOption(all())
    .addOption(detach())
    .requiredOption('--because <text>', 'the reason for the discard')
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

/** The job that --all has started. */
function addJobCommands(parked: Command, end: (exitCode: number) => void): void {
  const jobs = parked.command('jobs').description('list, show and abort jobs over many items');
  const command = (usage: string, description: string) =>
    jobs.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  command('list', 'list jobs, newest first')
    .addOption(new Option('--state <state>', 'by state').choices(['RUNNING', 'DONE', 'ABORTED']))
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addHelpText('after', '\nExample:\n  weir parked jobs list --state running')
    .action(async (options) => end(await (await import('./parked-jobs.ts')).listJobs(options)));
  command('show <id>', 'show a job and its progress')
    .addHelpText('after', '\nExample:\n  weir parked jobs show 7')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).showJob(id, options)));
  command('results <id>', 'list the items that failed, each with the reason')
    .addOption(limit())
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addHelpText('after', '\nExample:\n  weir parked jobs results 7 --format csv > failed.csv')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).listResults(id, options)));
  command('abort <id>', 'abort a job; no further item changes')
    .addHelpText('after', '\nExample:\n  weir parked jobs abort 7')
    .action(async (id, options) => end(await (await import('./parked-jobs.ts')).abortJob(id, options)));
}
