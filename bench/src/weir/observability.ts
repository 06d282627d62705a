import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { benchFolder } from '../folders.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { measureSpanCost } from './span-cost.ts';
import { startBetweenStreamAndQueue, workOff } from './work-off.ts';

export const fullyObserved = 'fully observed: stream → confirmed';
export const notObserved = 'not observed: stream → confirmed';

const scrapeEveryMs = 1_000;
/** The first purchases in a new process are slower: they are not measured. */
const warmUpShare = 0.2;

/** The observability of a well-run production: metrics, a log, traces of one purchase in a hundred. */
const everything = {
  NODE_OPTIONS: `--import ${join(benchFolder, 'otel-to-nowhere.mjs')}`,
  OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
  OTEL_TRACES_SAMPLER_ARG: '0.01',
  WEIR_LOG_LEVEL: 'info',
};
/** Without these, the rest is counting in memory, once per batch. */
const nothing = { WEIR_LOG_LEVEL: 'silent', WEIR_METRICS_BACKLOGEVERYMS: '0' };

/** The pipeline with and without observability, in turn, each run in a new process. */
export async function measureObservability(bench: Bench, recorder: Recorder): Promise<void> {
  for (const { sampled, cpuMicros } of await measureSpanCost()) {
    const who = sampled === undefined ? 'no SDK' : `${sampled * 100} % sampled`;
    recorder.add(`all spans of a purchase, ${who}`, 'µs each', { value: cpuMicros });
  }
  await takeTurns(bench, recorder, [
    { name: notObserved, measure: () => measureOnce(bench, false) },
    {
      name: fullyObserved,
      note: 'scraped each second, log at info to a file, an OpenTelemetry SDK that samples 1 %',
      measure: () => measureOnce(bench, true),
    },
  ]);
}

async function measureOnce(bench: Bench, isObserved: boolean): Promise<Sample> {
  const settings = isObserved ? everything : nothing;
  const setup = await startBetweenStreamAndQueue(bench, { purpose: 'observability', settings });
  const { count } = bench.options;
  await workOff(bench, setup, { count: Math.round(count * warmUpShare), title: 'warming up' });
  const scraping = isObserved ? scrape(setup.programs[0]?.port ?? 0) : undefined;
  try {
    const title = isObserved ? 'fully observed' : 'not observed';
    const { perSecond, cpuMicrosPerItem } = await workOff(bench, setup, { count, title });
    return { value: perSecond, cpuMicrosPerItem };
  } finally {
    clearInterval(scraping);
  }
}

function scrape(port: number): NodeJS.Timeout {
  return setInterval(() => {
    void fetch(`http://127.0.0.1:${port}/metrics`)
      .then((response) => response.text())
      .catch(() => {});
  }, scrapeEveryMs);
}
