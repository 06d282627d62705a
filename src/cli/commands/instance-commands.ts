import { type Command, Option } from 'commander';
import { allPages, config, format, json, limit, ndjson, source, url } from '../command-options.ts';

export function addInstanceCommands(program: Command, end: (exitCode: number) => void): void {
  const instances = program.command('instances').description('list, find, create and republish instances');
  const command = (usage: string, description: string) =>
    instances.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  const withFilter = (filtered: Command) =>
    filtered
      .addOption(ndjson())
      .addOption(allPages())
      .addOption(format())
      .addOption(limit())
      .addOption(source())
      .option('--source-id <id>', 'stream entry id, order id, …')
      .option('--product <id>')
      .option('--user <id>')
      .addOption(
        new Option('--status <status>', 'status of the instance').choices([
          'PROCESSING',
          'SUCCESS',
          'FAILED',
        ]),
      )
      .option('--overdue', 'only instances past their deadline without a result')
      .option('--from <time>', 'created since, such as 2026-11-27T20:00:00Z, or 15m for 15 minutes ago')
      .option('--to <time>', 'created before, in the same form');

  withFilter(command('list', 'list instances, newest first'))
    .addHelpText(
      'after',
      `
Examples:
  weir instances list --status FAILED --from 15m
  weir instances list --from 2026-11-27T20:00:00Z --to 2026-11-27T21:00:00Z
  weir instances list --product 1001 --all --ndjson | jq -r .userId`,
    )
    .action(async (options) => end(await (await import('./instances.ts')).listInstances(options)));
  withFilter(command('search <id>', 'search by the id of an instance, order, stream entry or user'))
    .addHelpText(
      'after',
      `
Examples:
  weir instances search 250928148382744576
  weir instances search 1764187200000-0
  weir instances search 123 --status FAILED`,
    )
    .action(async (id, options) => end(await (await import('./instances.ts')).searchInstances(id, options)));
  command('show <instanceId>', 'show an instance and its timeline')
    .addHelpText('after', '\nExample:\n  weir instances show 250928148382744576')
    .action(async (instanceId, options) =>
      end(await (await import('./instances.ts')).showInstance(instanceId, options)),
    );
  command('create', 'create the instance of a purchase; safe to repeat')
    .addOption(source().makeOptionMandatory())
    .requiredOption('--source-id <id>', 'stream entry id, order id, …')
    .requiredOption('--product <id>', 'the product')
    .requiredOption('--user <id>', 'the buyer')
    .addHelpText(
      'after',
      `
With source SECKILL the source id is the id of the entry, and the instance is that of this entry on the
product's stream. For a parked entry without a readable buyer use: weir parked replay ID --user USER

Examples:
  weir instances create --source ACTIVITY --source-id ACT123456 --product 1001 --user 123
  weir instances create --source SECKILL --source-id 1795334847736-0 --product 1001 --user 123`,
    )
    .action(async (options) => end(await (await import('./instances.ts')).createInstance(options)));
  command('retry <instanceId>', 'republish the event, with the same id and bytes')
    .addHelpText('after', '\nExample:\n  weir instances retry 250928148382744576')
    .action(async (instanceId, options) =>
      end(await (await import('./instances.ts')).retryInstance(instanceId, options)),
    );
  command('release <instanceId>', "request the release of a failed instance's machine again")
    .addHelpText('after', '\nExample:\n  weir instances release 250928148382744576')
    .action(async (instanceId, options) =>
      end(await (await import('./instances.ts')).releaseInstance(instanceId, options)),
    );
}
