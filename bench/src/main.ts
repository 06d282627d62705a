import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAddresses } from './addresses.ts';
import { measureAlternatives } from './alternatives/alternatives.ts';
import type { Bench } from './bench.ts';
import { Cleanup } from './cleanup.ts';
import { measureLimits } from './limits/limits.ts';
import { startOwnServers } from './machine/own-servers.ts';
import { readMachine, readServerSettings, type ServerSettings } from './machine/settings.ts';
import { OptionMistakes, type Options, type PartName, parseOptions, readHelp } from './options.ts';
import { checkServers } from './preflight.ts';
import { createProgress } from './progress.ts';
import { judge } from './report/budgets.ts';
import { writeDocument } from './report/document.ts';
import { Recorder } from './report/recorder.ts';
import { type PartReport, type Report, readReport, writeReport } from './report/report.ts';
import { formatReport } from './report/table.ts';
import { measureAdmission } from './weir/admission.ts';
import { measureAudit } from './weir/audit.ts';
import { measureBacklog } from './weir/backlog.ts';
import { measureCallback } from './weir/callback.ts';
import { measureCluster } from './weir/cluster.ts';
import { measureCost } from './weir/cost.ts';
import { measureEmbedded } from './weir/embedded.ts';
import { measureGrowth } from './weir/growth.ts';
import { measureLatency } from './weir/latency.ts';
import { measureLifecycle } from './weir/lifecycle.ts';
import { measureObservability } from './weir/observability.ts';
import { measureVacuum } from './weir/vacuum.ts';
import { measureViews } from './weir/views.ts';

const graceMs = 1500;

type MeasurePart = (bench: Bench, recorder: Recorder) => Promise<void>;

const parts: Record<PartName, MeasurePart> = {
  limits: measureLimits,
  alternatives: measureAlternatives,
  callback: measureCallback,
  admission: measureAdmission,
  lifecycle: measureLifecycle,
  cost: measureCost,
  growth: measureGrowth,
  vacuum: measureVacuum,
  backlog: measureBacklog,
  embedded: measureEmbedded,
  latency: measureLatency,
  audit: measureAudit,
  views: measureViews,
  observability: measureObservability,
  cluster: measureCluster,
};

// Exits explicitly: a connection that was never closed must not keep a finished bench running.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args, new Date());
    if (options === 'help') process.stdout.write(readHelp());
    else if ('docsFrom' in options) console.log(writeDocument(options.docsFrom));
    else return await run(options);
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
    // A measurement that stops by itself leaves nothing half created; one that waits is cut off with its
    // connections.
    if (interrupt.signal.aborted) await Promise.race([work.catch(() => {}), sleep(graceMs)]);
    await tidyUp(bench);
    if (interrupt.signal.aborted) await Promise.race([work.catch(() => {}), sleep(graceMs)]);
    await tidyUp(bench);
  }
}

async function measureAll(bench: Bench): Promise<number> {
  const { options, progress } = bench;
  const needsServers = options.only.some((name) => name !== 'embedded');
  if (needsServers && options.ownServers) bench.addresses = await startOwnServers(bench);
  if (needsServers) await checkServers(bench);
  const servers = needsServers ? await readServerSettings(bench) : undefined;
  if (servers !== undefined) sayWhatIsNotDurable(bench, servers);

  let report: Report = readReport(options.jsonFile);
  for (const name of options.only) {
    report = { ...report, parts: { ...report.parts, [name]: await measurePart(bench, name, servers) } };
    report = { ...report, verdicts: judge(report) };
    writeReport(options.jsonFile, report);
  }
  progress.say('');
  console.log(formatReport(report, options.only));
  console.log(`All figures: ${options.jsonFile}`);
  const failures = options.only.flatMap((name) => Object.entries(report.parts[name]?.failures ?? {}));
  for (const [name, message] of failures) console.error(`\n${name} failed: ${message}`);
  return failures.length === 0 ? 0 : 1;
}

async function measurePart(
  bench: Bench,
  name: PartName,
  servers: ServerSettings | undefined,
): Promise<PartReport> {
  bench.signal.throwIfAborted();
  bench.progress.say(`${name} ...`);
  const startedAt = new Date();
  const loadBefore = loadavg()[0] ?? 0;
  const recorder = new Recorder();
  const mark = bench.cleanup.mark();
  try {
    await parts[name](bench, recorder);
  } catch (error) {
    bench.signal.throwIfAborted();
    recorder.fail(name, error);
    bench.progress.say(`  ${name} failed: ${recorder.failures[name]?.split('\n')[0]}`);
  } finally {
    if (!bench.signal.aborted) await tidyUp(bench, mark);
  }
  const { rounds, count, isQuick } = bench.options;
  const { lines, failures, versions } = recorder;
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 1000);
  return {
    ...{ startedAt: startedAt.toISOString(), seconds, rounds, count, isQuick, loadBefore },
    machine: readMachine(),
    ...(servers !== undefined && { servers }),
    ...{ versions, lines, failures },
  };
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

/** Resolves with 130 on the first signal; a second one exits immediately. */
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
