import { type Command, Option } from 'commander';
import { config, toUpperCase, url } from '../command-options.ts';

const collect = (text: string, previous: string[] = []) => [...previous, text];

export function addLoadCommand(program: Command, end: (exitCode: number) => void): void {
  program
    .command('load')
    .description('generate load on a running Weir and measure its responses')
    .addOption(config())
    .addOption(url())
    .option('--rate <n>', 'arrivals per second (default: 50, with --stage 0)')
    .option('--duration <time>', 'duration at that rate (default: 10s)')
    .option('--stage <time:rate>', 'change the rate evenly over a time; repeatable', collect)
    .addOption(
      new Option('--arrivals <kind>', 'even or random intervals')
        .choices(['constant', 'poisson'])
        .default('constant'),
    )
    .option('--mix <list>', 'requests of buy, stream, order, instance, with weights', 'stream,order,instance')
    .option('--product <id>', 'product to buy', '1001')
    .addOption(
      new Option('--source <source>', 'source of instance').argParser(toUpperCase).default('ACTIVITY'),
    )
    .option('--connections <n>', 'connections kept open, as by a proxy in front of Weir', '100')
    .option('--max-in-flight <n>', 'drop arrivals above this number', '1000')
    .option('--fail-if <rule>', 'exit with 5 if the rule holds; repeatable', collect)
    .option('--wait <time>', 'time to wait for results afterwards', '10s')
    .option('--json [file]', 'write the report as JSON, to a file or standard output')
    .option('--yes', 'confirm load on another machine, above 20000/s or 1h')
    .addHelpText(
      'after',
      `
Arrivals follow the schedule even if responses are slow, and times count from when a request was due. An arrival
that is due while --max-in-flight are unanswered is dropped.

  buy        POST /v1/sales/ID/buy; needs an open sale. 409 such as SOLD_OUT is a refusal, not an error
  stream     an entry on the seckill stream: in the configured Redis, else through the demo
  order      POST /v1/orders, then its payment callback, signed with the configured secret
  instance   POST /v1/instances

Rules compare p50, p99.9, max, errors, refused, dropped, rate or unfinished (accepted without an instance) of all
requests, or with a dot of one (buy.p99) or of a step (created, published, settled). errors, dropped and unfinished
fail above 0 unless a rule covers them.

Examples:
  weir load --rate 200 --duration 30s --mix order,instance
  weir load --mix buy=8,order=1 --stage 30s:100 --stage 1m:2000 --stage 10s:0 --fail-if 'buy.p99>500ms' \\
    --fail-if 'errors>0.1%' --json load.json
  WEIR_KEY=... weir load --url https://shop.example.com --rate 100 --yes`,
    )
    .action(async (options) => end(await (await import('./load.ts')).runLoadCommand(options)));
}
