import { type Bench, firstProductId } from '../bench.ts';
import { type BrokerRun, measureBrokerNow } from '../limits/broker.ts';
import { readRssMiB } from '../machine/processes.ts';
import { bestOf, formatRate, medianOf, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { type StreamSetup, startBetweenStreamAndQueue, type WorkedOff, workOff } from './work-off.ts';

// One stream for each run.
const productIds = Array.from({ length: 5 }, (_, run) => firstProductId + run);

export interface StreamRun extends WorkedOff {
  readonly productId: number;
  readonly purchases: number;
  readonly perSecond: number;
  /** 0 where it cannot be read. */
  readonly highestRssMiB: number;
  /** To the mean of the broker alone just before and just after this run; undefined without it. */
  readonly ofBroker: number | undefined;
}

export interface StreamResult {
  readonly runs: readonly StreamRun[];
  readonly best: StreamRun;
  readonly median: StreamRun;
  /** The broker alone before, between and after the runs. */
  readonly beside: readonly BrokerRun[];
  /** Weir's median to the median of the broker beside it. */
  readonly ofBroker: number | undefined;
}

/**
 * Weir from a stream to confirmed and batch deleted; clock: PostgreSQL's, from the first commit. Runs of the broker
 * alone stand before, between and after, so that a machine that is slower for a minute is slower for both.
 */
export async function measureStream(bench: Bench, results: Results): Promise<void> {
  const { broker } = results;
  const setup = await startBetweenStreamAndQueue(bench, 'weir', productIds);
  const runs: StreamRun[] = [];
  const beside: BrokerRun[] = broker ? [await measureBrokerNow(bench, broker)] : [];
  for (const productId of productIds) {
    const run = await runOnce(bench, setup, productId);
    bench.progress.say(
      `  weir, run ${runs.length + 1} of ${productIds.length}: ${formatRate(run.perSecond)}`,
    );
    const before = beside.at(-1);
    if (broker) beside.push(await measureBrokerNow(bench, broker));
    const after = beside.at(-1);
    const near = before && after && (before.perSecond + after.perSecond) / 2;
    runs.push({ ...run, ofBroker: near && run.perSecond / near });
    const median = medianOf(runs);
    const ofBroker = broker && median.perSecond / medianOf(beside).perSecond;
    results.weir = { runs, best: bestOf(runs), median, beside, ofBroker };
  }
}

async function runOnce(
  bench: Bench,
  setup: StreamSetup,
  productId: number,
): Promise<Omit<StreamRun, 'ofBroker'>> {
  const { count } = bench.options;
  let highestRssMiB = 0;
  const workedOff = await workOff(bench, setup, {
    productId,
    count,
    everyMs: 25,
    title: `weir, product ${productId}`,
    onLook: () => {
      highestRssMiB = Math.max(highestRssMiB, readRssMiB(setup.program.pid) ?? 0);
    },
  });
  const perSecond = ratePerSecond(count, workedOff.seconds);
  return { productId, purchases: count, perSecond, highestRssMiB, ...workedOff };
}
