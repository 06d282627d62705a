import { type Command, Option } from 'commander';
import { config, json, url } from '../command-options.ts';

export function addKeysCommands(program: Command, end: (exitCode: number) => void): void {
  const keys = program
    .command('keys')
    .description('manage operator keys, in the database or through a running Weir');
  const command = (usage: string, description: string) =>
    keys.command(usage).description(description).addOption(config()).addOption(url()).addOption(json());
  command('create <name>', 'create a key; it is printed once, to standard output')
    .addOption(
      new Option('--scope <scope>', 'scope of the key; each one includes those before it')
        .choices(['read', 'act', 'admin'])
        .makeOptionMandatory(),
    )
    .option('--expires <when>', 'such as 90d, 12h or 2027-03-31T00:00:00Z (default: never)')
    .addHelpText(
      'after',
      `
The first key closes the API to callers without a key. Prints the database, or the Weir, it was created in; creates no
database: \`weir migrate\` does.

Examples:
  weir keys create on-call --scope act --expires 90d -conf configs/config.yaml
  WEIR_KEY=$(weir keys create root --scope admin) weir keys list --url http://127.0.0.1:8000`,
    )
    .action(async (name, options) => end(await (await import('./keys.ts')).createKey(name, options)));
  command('list', 'list all keys, including revoked ones, newest first').action(async (options) =>
    end(await (await import('./keys.ts')).listKeys(options)),
  );
  command('revoke <key>', 'revoke a key by id or name; takes effect within a second').action(
    async (idOrName, options) => end(await (await import('./keys.ts')).revokeKey(idOrName, options)),
  );
}
