import type { Bench } from '../bench.ts';
import type { Sample } from '../report/line.ts';
import type { Subject } from '../rounds.ts';
import { type Backlog, type StreamOptions, startBetweenStreamAndQueue, workOff } from './work-off.ts';

/** The first purchases in a new process are slower: they are not measured. */
const mostWarmUp = 10_000;

/**
 * Weir in new processes, from the stream to confirmed events and deleted batches. Each of several replicas has
 * as many entries before and in the measurement as a single one.
 */
export async function runPipeline(
  bench: Bench,
  options: StreamOptions,
  backlog: Omit<Backlog, 'count'> & { readonly count?: number },
): Promise<Sample> {
  const { replicas = 1 } = options;
  const { count = bench.options.count * replicas, products = 1 } = backlog;
  const setup = await startBetweenStreamAndQueue(bench, options);
  const warmUp = Math.min(mostWarmUp * replicas, count);
  await workOff(bench, setup, { count: warmUp, products, title: 'warming up' });
  const { perSecond, foundAfterMs, walBytesEach, cpuMicrosPerItem } = await workOff(bench, setup, {
    ...backlog,
    count,
  });
  return { value: perSecond, cpuMicrosPerItem, figures: { foundAfterMs, walBytesEach } };
}

export function pipelineSubject(
  bench: Bench,
  name: string,
  options: StreamOptions,
  backlog: Partial<Backlog> = {},
): Subject {
  return { name, measure: () => runPipeline(bench, options, { title: name, ...backlog }) };
}
