import { type Command, Option } from 'commander';
import { actions, subjectKinds } from '../../ops/activity/activity.ts';
import { allPages, config, format, json, limit, ndjson, url } from '../command-options.ts';

export function addActivityCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('activity')
    .description('list the activity log: changes by operators, newest first')
    .addOption(config())
    .addOption(url())
    .addOption(json())
    .addOption(ndjson())
    .addOption(allPages())
    .addOption(format())
    .addOption(limit())
    .option('--actor <name>', 'by the name of the key, or the user of a local command')
    .addOption(new Option('--action <action>', 'SALE_PAUSED, KEY_REVOKED, …').choices(actions))
    .addOption(new Option('--subject <kind>', 'what was changed').choices(subjectKinds))
    .option('--subject-id <id>', 'which one: the id of the instance, order, item, …')
    .option('--from <time>', 'start, such as 2026-11-27T20:00:00Z, or 15m for 15 minutes ago')
    .option('--to <time>', 'end (default: now)')
    .addHelpText(
      'after',
      `
Examples:
  weir activity --from 2h
  weir activity --actor on-call --action PARKED_DISCARDED --all --ndjson
  weir activity --subject sale --subject-id 1001 --json`,
    )
    .action(async (options) => end(await (await import('./activity.ts')).listActivity(options)));
}
