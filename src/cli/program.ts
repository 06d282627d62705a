import { type Argument, Command, CommanderError, Option } from 'commander';
import { FolderInUseError } from '../adapters/embedded/folder-lock.ts';
import { DatabaseTooNewError } from '../adapters/postgres/schema-errors.ts';
import { ConfigError } from '../config/config.ts';
import { withoutCredentials } from '../lib/credentials.ts';
import { version } from '../lib/version.ts';

import { config, json, key, url } from './command-options.ts';
import { addActivityCommand } from './commands/activity-command.ts';
import { addCompletionCommand } from './commands/completion-command.ts';
import { addInstanceCommands } from './commands/instance-commands.ts';
import { addKeysCommands } from './commands/keys-commands.ts';
import { addLoadCommand } from './commands/load-command.ts';
import { addOrdersCommands } from './commands/orders-commands.ts';
import { addParkedCommands } from './commands/parked-commands.ts';
import { addProductsCommands } from './commands/products-commands.ts';
import { addSaleCommands } from './commands/sale-commands.ts';
import { addStoresCommands } from './commands/stores-commands.ts';
import { addWatchCommands } from './commands/watch-commands.ts';
import { CliError, exitCodeHelp, exitCodes } from './exit-codes.ts';
import { normalizeArguments } from './normalize-arguments.ts';
import { OutputClosed, printNotice, printText } from './output/output.ts';

const description = `Every accepted purchase becomes exactly one instance, and the Resource Domain receives its event.

Without the address of a store Weir uses an embedded one, so \`weir\` runs with nothing else installed.
Settings come from --config, then from WEIR_… in the environment; \`weir doctor --settings\` lists them.`;

/**
 * Each command loads its code when it is called: `weir --help` need not load three database clients.
 *
 * @returns the exit code
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.ok;
  let command: Command | undefined;
  const program = buildProgram((code) => {
    exitCode = code;
  }).hook('preAction', (_, running) => {
    command = running;
  });
  try {
    await program.parseAsync(normalizeArguments(program, args), { from: 'user' });
    return exitCode;
  } catch (error) {
    return explain(error, command);
  }
}

function buildProgram(end: (exitCode: number) => void): Command {
  const program = new Command('weir')
    .description(description)
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => printText(text),
      writeErr: (text) => printText(text, 'stderr'),
    })
    .addHelpText('after', exitCodeHelp);

  program
    .command('start')
    .description('run Weir')
    .addOption(config())
    .option('--roles <list>', 'roles of this process: http,ingest,relay,settle (default: all)', (text) =>
      text.toLowerCase(),
    )
    .addHelpText(
      'after',
      `
Examples:
  weir                                        embedded stores, nothing to install
  weir start -conf configs/config.yaml        PostgreSQL, Redis and RabbitMQ
  weir start --config c.yaml --roles ingest,relay   one of several processes`,
    )
    .action(async (options) => end(await (await import('./commands/start.ts')).runStart(options)));

  program
    .command('migrate')
    .description('migrate the database schema to this version')
    .addOption(config())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  weir migrate -conf configs/config.yaml')
    .action(async (options) => end(await (await import('./commands/migrate.ts')).runMigrate(options)));

  program
    .command('demo')
    .description('load the demo catalogue (product 1001, order 123 and more) into the configured database')
    .addOption(config())
    .addHelpText('after', '\nExample:\n  weir demo -conf configs/config.yaml')
    .action(async (options) => end(await (await import('./commands/demo.ts')).runDemo(options)));

  program
    .command('doctor')
    .description('check stores, their versions, and settings that can lose data')
    .addOption(config())
    .addOption(json())
    .option('--settings', 'print every setting with its environment variable and value in force')
    .addHelpText('after', '\nExamples:\n  weir doctor -conf configs/config.yaml\n  weir doctor --settings')
    .action(async (options) => end(await (await import('./commands/doctor.ts')).runDoctor(options)));

  addLoadCommand(program, end);
  addWatchCommands(program, end);
  addInstanceCommands(program, end);
  addOrdersCommands(program, end);
  addParkedCommands(program, end);
  addProductsCommands(program, end);
  addSaleCommands(program, end);
  addKeysCommands(program, end);
  addStoresCommands(program, end);
  addActivityCommand(program, end);

  program
    .command('audit')
    .description('check that all sums agree; exits with 0 if they do')
    .addOption(config())
    .addOption(url())
    .addOption(json())
    .option('--full', 'count all rows again, not only those since the last audit')
    .option('--accept <stream>', 'accept a loss on a stream; its sum continues from there')
    .addHelpText('after', '\nExamples:\n  weir audit\n  weir audit --full --json')
    .action(async (options) => end(await (await import('./commands/audit.ts')).runAudit(options)));

  program
    .command('resource')
    .description('simulate a Resource Domain: read events, send results')
    .addOption(config())
    .addOption(new Option('--json', 'print the tally on one line'))
    .option('--delay <ms>', 'time from an event to its result')
    .option('--fail <percent>', 'share of events with a FAILED result')
    .option('--silent <percent>', 'share of events without a result')
    .option('--late <percent>', 'share of events with a result after --late-after')
    .option('--late-after <ms>', 'delay of a late result')
    .option('--repeat <percent>', 'share of events with two equal results')
    .option('--contradict <percent>', 'share of events with a second, opposite result')
    .addHelpText(
      'after',
      `
Runs until Ctrl-C and prints a summary. The result of an instance depends only on its id, so a run is
reproducible. Without these options the settings resource.* apply.

Example:
  weir resource -conf configs/config.yaml --delay 500 --fail 10 --silent 5 --repeat 5 --contradict 1`,
    )
    .action(async (options) => end(await (await import('./commands/resource.ts')).runResource(options)));

  addCompletionCommand(program, end);

  program.showHelpAfterError(pointToHelp(program));
  for (const command of allCommands(program)) {
    command.exitOverride().showHelpAfterError(pointToHelp(command));
    for (const named of [...command.options, ...command.registeredArguments]) ignoreCase(named);
    if (command.options.some(({ long }) => long === '--url')) command.addOption(key());
  }
  return program;
}

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...allCommands(child)]);
}

/** Accepts the fixed words of an option or argument in any case. */
function ignoreCase(named: Option | Argument): void {
  const { argChoices, parseArg } = named;
  if (!argChoices || !parseArg) return;
  named.argParser((text, previous: unknown) => {
    const choice = argChoices.find((word) => word.toLowerCase() === text.toLowerCase());
    return parseArg.call(named, choice ?? text, previous);
  });
}

function pointToHelp(command: Command): string {
  const path: string[] = [];
  for (let at: Command | null = command; at; at = at.parent) path.unshift(at.name());
  return `(${path.join(' ')} --help lists the valid ones)`;
}

/** Prints one sentence to standard error. @returns the exit code */
function explain(error: unknown, command: Command | undefined): number {
  if (error instanceof OutputClosed) return exitCodes.ok;
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const { message, exitCode } = toCliError(error);
  const sentence = `weir: ${withoutCredentials(message)}`;
  // A ConfigError has its mistakes on lines of their own; each quotes its value as JSON.
  if (error instanceof ConfigError) printText(`${sentence}\n`, 'stderr');
  else
    printNotice(exitCode === exitCodes.usage && command ? `${sentence} ${pointToHelp(command)}` : sentence);
  return exitCode;
}

function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof ConfigError) return new CliError(exitCodes.usage, error.message);
  if (error instanceof FolderInUseError || error instanceof DatabaseTooNewError) {
    return new CliError(exitCodes.failed, error.message);
  }
  const { code, address, port, path } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const reason = error instanceof Error ? error.message : String(error);
  switch (code) {
    case 'EADDRINUSE':
      return new CliError(
        exitCodes.failed,
        `cannot listen on ${address}:${port}: the port is in use; stop the program that listens there, ` +
          'or set server.http.addr (WEIR_SERVER_HTTP_ADDR)',
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CliError(exitCodes.failed, `cannot listen on server.http.addr: ${reason}`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
    case 'ENOENT':
    case 'EEXIST':
      return new CliError(
        exitCodes.failed,
        `${path ?? address} cannot be written: give this user the right to, or set data.embedded.folder`,
      );
    default:
      return new CliError(exitCodes.failed, reason);
  }
}
