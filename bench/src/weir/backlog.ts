import { type Bench, firstProductId } from '../bench.ts';
import { readRssMiB } from '../machine/processes.ts';
import { formatRate, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { startBetweenStreamAndQueue, type WorkedOff, workOff } from './work-off.ts';

// A stream of its own, beside those of the other measures.
const productId = firstProductId + 10;

interface Sample {
  readonly rows: number;
  readonly rssMiB: number;
}

export interface BacklogResult extends WorkedOff {
  readonly entries: number;
  readonly perSecond: number;
  readonly firstTenthMiB: number;
  readonly lastTenthMiB: number;
  readonly growthMiB: number;
  readonly highestMiB: number;
  readonly samples: number;
}

/** Whether memory stays flat while a long stream is worked off. Tenths are of the entries, not of the time. */
export async function measureBacklog(bench: Bench, results: Results): Promise<void> {
  const entries = bench.options.backlogCount;
  const setup = await startBetweenStreamAndQueue(bench, 'backlog', [productId]);
  const samples: Sample[] = [];
  const workedOff = await workOff(bench, setup, {
    productId,
    count: entries,
    everyMs: 100,
    title: 'weir, backlog',
    onLook: (rows) => {
      const rssMiB = readRssMiB(setup.program.pid);
      if (rows > 0 && rssMiB !== undefined) samples.push({ rows, rssMiB });
    },
  });

  const firstTenthMiB = meanRss(samples.filter(({ rows }) => rows <= entries / 10));
  const lastTenthMiB = meanRss(samples.filter(({ rows }) => rows >= (entries * 9) / 10));
  results.backlog = {
    entries,
    ...workedOff,
    perSecond: ratePerSecond(entries, workedOff.seconds),
    firstTenthMiB,
    lastTenthMiB,
    growthMiB: lastTenthMiB - firstTenthMiB,
    highestMiB: Math.max(...samples.map(({ rssMiB }) => rssMiB)),
    samples: samples.length,
  };
  bench.progress.say(
    `  backlog: ${formatRate(results.backlog.perSecond)}, ${firstTenthMiB.toFixed(0)} MiB in the first tenth, ` +
      `${lastTenthMiB.toFixed(0)} MiB in the last`,
  );
}

function meanRss(samples: readonly Sample[]): number {
  if (samples.length === 0) {
    throw new Error(
      'no sample of resident memory in a tenth: the backlog is too short, or there is no /proc here',
    );
  }
  return samples.reduce((sum, { rssMiB }) => sum + rssMiB, 0) / samples.length;
}
