import { join } from 'node:path';
import { type Bench, firstProductId } from '../bench.ts';
import { benchFolder } from '../folders.ts';
import type { CpuPerItem } from '../machine/processes.ts';
import { formatRate, medianOf, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { measureSpanCost, type SpanCost } from './span-cost.ts';
import { startBetweenStreamAndQueue, workOff } from './work-off.ts';

const pairs = 5;
const scrapeEveryMs = 1_000;
/** In a new process the first purchases are dearer: they are not measured. */
const warmUpShare = 0.2;

interface ObservedRun {
  readonly perSecond: number;
  readonly cpuMicrosPerItem: CpuPerItem;
}

interface ObservedRuns {
  readonly runs: readonly ObservedRun[];
  readonly median: ObservedRun;
}

export interface ObservabilityResult {
  readonly observed: ObservedRuns;
  readonly unobserved: ObservedRuns;
  /** Median to median. */
  readonly ofUnobserved: number;
  readonly spans: readonly SpanCost[];
}

/** Everything that a well kept production has: metrics, a log, traces of one purchase in a hundred. */
const everything = {
  NODE_OPTIONS: `--import ${join(benchFolder, 'otel-to-nowhere.mjs')}`,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: '0.01',
  WEIR_LOG_LEVEL: 'info',
};
/** What is left is counting in memory, once a batch. */
const nothing = { WEIR_LOG_LEVEL: 'silent', WEIR_METRICS_BACKLOGEVERYMS: '0' };

/**
 * The pipeline observed and not, in turn, each run in a new process, so that a machine that is slower for a minute is
 * slower for both; which of a pair comes first changes.
 */
export async function measureObservability(bench: Bench, results: Results): Promise<void> {
  const spans = await measureSpanCost();
  const observed: ObservedRun[] = [];
  const unobserved: ObservedRun[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const order = pair % 2 === 0 ? [false, true] : [true, false];
    for (const isObserved of order) {
      const run = await runOnce(
        bench,
        isObserved,
        firstProductId + (observed.length + unobserved.length) * 2,
      );
      (isObserved ? observed : unobserved).push(run);
      const name = isObserved ? 'fully observed' : 'not observed';
      bench.progress.say(`  ${name}, pair ${pair + 1} of ${pairs}: ${formatRate(run.perSecond)}`);
    }
  }
  const [on, off] = [medianOf(observed), medianOf(unobserved)];
  results.observability = {
    observed: { runs: observed, median: on },
    unobserved: { runs: unobserved, median: off },
    ofUnobserved: on.perSecond / off.perSecond,
    spans,
  };
}

async function runOnce(bench: Bench, isObserved: boolean, productId: number): Promise<ObservedRun> {
  const mark = bench.cleanup.mark();
  const settings = isObserved ? everything : nothing;
  const products = [productId, productId + 1];
  const setup = await startBetweenStreamAndQueue(bench, 'observability', products, 'ingest,relay', settings);
  const backlog = { everyMs: 25, onLook() {} };
  const { count } = bench.options;
  await workOff(bench, setup, {
    ...backlog,
    productId,
    count: Math.round(count * warmUpShare),
    title: 'warming up',
  });
  const scraping = isObserved ? scrape(setup.program.port) : undefined;
  const { seconds, cpuMicrosPerItem } = await workOff(bench, setup, {
    ...backlog,
    productId: productId + 1,
    count,
    title: isObserved ? 'fully observed' : 'not observed',
  });
  clearInterval(scraping);
  await bench.cleanup.unwind(mark);
  return { perSecond: ratePerSecond(count, seconds), cpuMicrosPerItem };
}

function scrape(port: number): NodeJS.Timeout {
  return setInterval(() => {
    void fetch(`http://127.0.0.1:${port}/metrics`)
      .then((response) => response.text())
      .catch(() => {});
  }, scrapeEveryMs);
}
