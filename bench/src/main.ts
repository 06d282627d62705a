import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hidePassword, readAddresses } from './addresses.ts';
import type { Bench } from './bench.ts';
import { Cleanup } from './cleanup.ts';
import { measureBroker } from './limits/broker.ts';
import { isDurable, readMachine, readServerSettings, type ServerSettings } from './machine/settings.ts';
import { type MeasureName, OptionMistakes, type Options, parseOptions, readHelp } from './options.ts';
import { measureSeed } from './peers/seed.ts';
import { checkServers } from './preflight.ts';
import { createProgress } from './progress.ts';
import { judge } from './report/budgets.ts';
import type { Results } from './report/results.ts';
import { formatReport, notes } from './report/table.ts';
import { measureAudit } from './weir/audit.ts';
import { measureBacklog } from './weir/backlog.ts';
import { measureCallback } from './weir/callback.ts';
import { measureDoor } from './weir/door.ts';
import { measureEmbedded } from './weir/embedded.ts';
import { measureLifecycle } from './weir/lifecycle.ts';
import { measureObservability } from './weir/observability.ts';
import { measureStream } from './weir/stream.ts';
import { measureViews } from './weir/views.ts';

const graceMs = 1500;

type Measure = (bench: Bench, results: Results) => Promise<void>;

const measures: Record<MeasureName, Measure> = {
  broker: measureBroker,
  seed: measureSeed,
  weir: measureStream,
  lifecycle: measureLifecycle,
  callback: measureCallback,
  backlog: measureBacklog,
  embedded: measureEmbedded,
  audit: measureAudit,
  views: measureViews,
  door: measureDoor,
  observability: measureObservability,
};

// Not left to an empty event loop: a connection that never said goodbye must not keep a finished bench.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args, new Date());
    if (options !== 'help') return await run(options);
    process.stdout.write(readHelp());
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return error instanceof OptionMistakes ? 2 : 1;
  }
}

/** Resolves with the exit code. */
async function run(options: Options): Promise<number> {
  const interrupt = new AbortController();
  const bench: Bench = {
    options,
    addresses: readAddresses(process.env),
    cleanup: new Cleanup(),
    progress: createProgress(process.stderr),
    signal: interrupt.signal,
  };
  const interrupted = onInterrupt(bench, interrupt);
  const work = measureAll(bench);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    // A measure that stops by itself first leaves nothing half made; one that waits is cut off with its connections.
    if (interrupt.signal.aborted) await Promise.race([work.catch(() => {}), sleep(graceMs)]);
    await tidyUp(bench);
    if (interrupt.signal.aborted) await Promise.race([work.catch(() => {}), sleep(graceMs)]);
    await tidyUp(bench);
  }
}

async function measureAll(bench: Bench): Promise<number> {
  const { options, progress } = bench;
  const startedAt = new Date();
  const needsServers = options.only.some((name) => name !== 'embedded');
  if (needsServers) await checkServers(bench);
  const servers = needsServers ? await readServerSettings(bench) : undefined;
  if (servers !== undefined) sayWhatIsNotDurable(bench, servers);

  const results: Results = {};
  const failures: Record<string, string> = {};
  for (const name of options.only) {
    await measureOne(bench, name, measures[name], results, failures);
  }

  const verdicts = judge(results, servers === undefined || isDurable(servers));
  const report = {
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    options: { ...options, jsonFile: undefined },
    machine: readMachine(),
    addresses: Object.fromEntries(
      Object.entries(bench.addresses).map(([key, url]) => [key, hidePassword(url)]),
    ),
    servers,
    results,
    verdicts,
    failures,
  };
  mkdirSync(dirname(options.jsonFile), { recursive: true });
  writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);

  progress.say('');
  console.log(`${formatReport(results, verdicts)}\n\n${notes}`);
  if (options.count < 200_000)
    console.log(`The budgets are stated for 200,000 purchases a run; here it was ${options.count}.`);
  console.log(`All figures: ${options.jsonFile}`);
  for (const [name, message] of Object.entries(failures)) console.error(`\n${name} failed: ${message}`);
  return Object.keys(failures).length === 0 ? 0 : 1;
}

async function measureOne(
  bench: Bench,
  name: string,
  measure: Measure,
  results: Results,
  failures: Record<string, string>,
): Promise<void> {
  bench.signal.throwIfAborted();
  bench.progress.say(`${name} ...`);
  const mark = bench.cleanup.mark();
  try {
    await measure(bench, results);
  } catch (error) {
    bench.signal.throwIfAborted();
    failures[name] = error instanceof Error ? error.message : String(error);
    bench.progress.say(`  ${name} failed: ${failures[name].split('\n')[0]}`);
  } finally {
    if (!bench.signal.aborted) await tidyUp(bench, mark);
  }
}

async function tidyUp(bench: Bench, mark = 0): Promise<void> {
  for (const left of await bench.cleanup.unwind(mark)) bench.progress.say(`  left behind: ${left}`);
}

function sayWhatIsNotDurable(bench: Bench, { postgres, redis }: ServerSettings): void {
  if (postgres.fsync !== 'on' || postgres.synchronous_commit === 'off') {
    bench.progress.say(
      `PostgreSQL has fsync ${postgres.fsync}, synchronous_commit ${postgres.synchronous_commit}: ` +
        'a commit is not on disk, so no budget is judged.',
    );
  }
  if (redis.appendonly !== 'yes') {
    bench.progress.say(
      `Redis has appendonly ${redis.appendonly}: entries that nobody read yet would not survive its restart. ` +
        'The seed and Weir both read from it, so both would pay for appendonly yes.',
    );
  }
}

/** Resolves with 130 on the first signal; a second one ends everything at once. */
function onInterrupt({ progress }: Bench, interrupt: AbortController): Promise<number> {
  return new Promise((resolve) => {
    const take = () => {
      if (interrupt.signal.aborted) process.exit(130);
      progress.say('\ninterrupted: removing what was made (once more: leave it and go) ...');
      interrupt.abort(new Error('interrupted'));
      resolve(130);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, take);
  });
}
