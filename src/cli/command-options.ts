import { Option } from 'commander';

// What several commands have in common. A fresh one for each: commander keeps a command's values on its options.

export const config = () => new Option('-c, --config <file>', 'configuration file; -conf FILE works as well');
export const json = () => new Option('--json', 'print JSON for programs');
export const url = () =>
  new Option('--url <url>', "the running Weir's address; by default the configured one");
export const ndjson = () =>
  new Option('--ndjson', 'print one item of JSON a line, for programs').conflicts('json');
export const allPages = () => new Option('--all', 'every one of them, page after page');
export const limit = () => new Option('--limit <n>', 'how many at most').default('20');
