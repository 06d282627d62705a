import { Option } from 'commander';

// Options shared by several commands. A new one for each, because commander stores a command's values on
// its options.

export const config = () => new Option('-c, --config <file>', 'configuration file; -conf FILE works as well');
export const json = () => new Option('--json', 'print JSON for programs');
export const url = () =>
  new Option('--url <url>', "the running Weir's address; by default the configured one").env('WEIR_URL');
export const ndjson = () =>
  new Option('--ndjson', 'print one JSON item per line, for programs').conflicts('json');
export const format = () =>
  new Option('--format <format>', 'export every row as a file, without pages')
    .choices(['csv', 'ndjson'])
    .conflicts(['json', 'ndjson', 'all', 'limit']);
export const allPages = () => new Option('--all', 'print all items, page after page');
/** Every user of the machine can read a command line, so the environment is safer. */
export const key = () =>
  new Option('--key <key>', 'operator key; by default the first of server.http.operatorKeys').env('WEIR_KEY');
export const limit = () => new Option('--limit <n>', 'maximum number of items').default('20');
/** Sources and codes are upper case; any case is accepted. */
export const toUpperCase = (text: string) => text.toUpperCase();
export const source = () => new Option('--source <source>', 'SECKILL, ORDER, …').argParser(toUpperCase);
