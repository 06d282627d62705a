import { type Command, Option } from 'commander';
import { config, json, source, url } from '../command-options.ts';

export function addWatchCommands(program: Command, end: (exitCode: number) => void): void {
  const command = (usage: string, description: string) =>
    program.command(usage).description(description).addOption(config()).addOption(url());
  const withWindow = (windowed: Command) =>
    windowed
      .addOption(json())
      .addOption(new Option('--minutes <n>', 'the last minutes (default: 60)').conflicts(['from', 'to']))
      .option('--from <time>', 'start, such as 2026-11-27T20:00:00Z, or 15m for 15 minutes ago')
      .option('--to <time>', 'end (default: now)')
      .addOption(
        new Option('--step <step>', 'default: by the length of the window').choices([
          'minute',
          'hour',
          'day',
        ]),
      )
      .addOption(source());

  command('top', 'show rates, backlog, delay, stores and last audit live; q quits')
    .option('--once', 'print it once')
    .addOption(new Option('--json', 'print JSON: a line per second, or one document with --once'))
    .addHelpText(
      'after',
      `
Rates are of the last five seconds, the sparklines of the last two minutes. A small terminal shows the most important parts
and names the missing ones. Into a pipe it prints a line of JSON per second. Honors NO_COLOR.

Examples:
  weir top
  weir top --once
  weir top --json | jq '.waiting'`,
    )
    .action(async (options) => end(await (await import('./top.ts')).runTop(options)));
  withWindow(command('stats', 'show instances and success rate by source, and the trend'))
    .addHelpText('after', '\nExample:\n  weir stats --minutes 1440')
    .action(async (options) => end(await (await import('./stats.ts')).runStats(options)));
  withWindow(command('trend', 'show instances created in any window, by minute, hour or day'))
    .addOption(new Option('--ndjson', 'print one step and source per line').conflicts('json'))
    .addHelpText(
      'after',
      `
Examples:
  weir trend --from 2026-11-27T20:00:00Z --to 2026-11-27T22:00:00Z
  weir trend --from 2026-11-01 --step day --source SECKILL --json`,
    )
    .action(async (options) => end(await (await import('./stats.ts')).runTrend(options)));
}
