import { type Bench, firstProductId } from '../bench.ts';
import { readRssMiB } from '../machine/processes.ts';
import { bestOf, formatRate, medianOf, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { type StreamSetup, startBetweenStreamAndQueue, type WorkedOff, workOff } from './work-off.ts';

// One stream for each run.
const productIds = [firstProductId, firstProductId + 1, firstProductId + 2];

export interface StreamRun extends WorkedOff {
  readonly productId: number;
  readonly purchases: number;
  readonly perSecond: number;
  /** 0 where it cannot be read. */
  readonly highestRssMiB: number;
}

export interface StreamResult {
  readonly runs: readonly StreamRun[];
  readonly best: StreamRun;
  readonly median: StreamRun;
}

/** Weir from a stream to confirmed and frame deleted; clock: PostgreSQL's, from the first commit. */
export async function measureStream(bench: Bench, results: Results): Promise<void> {
  const setup = await startBetweenStreamAndQueue(bench, 'weir', productIds);
  const runs: StreamRun[] = [];
  for (const productId of productIds) {
    const run = await runOnce(bench, setup, productId);
    runs.push(run);
    bench.progress.say(`  weir, run ${runs.length} of ${productIds.length}: ${formatRate(run.perSecond)}`);
    results.weir = { runs, best: bestOf(runs), median: medianOf(runs) };
  }
}

async function runOnce(bench: Bench, setup: StreamSetup, productId: number): Promise<StreamRun> {
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
