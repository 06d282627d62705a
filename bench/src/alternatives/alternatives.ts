import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { benchFolder } from '../folders.ts';
import { brokerSubject } from '../limits/broker.ts';
import { formatRate } from '../report/format.ts';
import type { Recorder } from '../report/recorder.ts';
import { type Subject, takeTurns } from '../rounds.ts';
import { pipelineSubject } from '../weir/pipeline.ts';
import type { Alternative } from './alternative.ts';
import { alternatives } from './list.ts';
import { measureAlternative } from './measure.ts';

export const weirPipeline = 'Weir: stream → confirmed';

/** Weir, the broker alone and every alternative in turn, each in a new process. */
export async function measureAlternatives(bench: Bench, recorder: Recorder): Promise<void> {
  const subjects: Subject[] = [
    pipelineSubject(bench, weirPipeline, { purpose: 'weir' }),
    await brokerSubject(bench),
  ];
  for (const alternative of alternatives) {
    const subject = await tune(bench, recorder, alternative);
    if (subject !== undefined) subjects.push(subject);
  }
  await takeTurns(bench, recorder, subjects);
}

/** The fastest candidate in short runs; undefined, with the reason recorded, when none runs. */
async function tune(
  bench: Bench,
  recorder: Recorder,
  alternative: Alternative,
): Promise<Subject | undefined> {
  const { name, tuning, concurrencies } = alternative;
  const { count, seconds, isQuick } = bench.options;
  let best = { concurrency: 0, perSecond: 0 };
  for (const concurrency of isQuick ? concurrencies.slice(0, 1) : concurrencies) {
    bench.signal.throwIfAborted();
    const short = { concurrency, count: Math.ceil(count / 4), seconds: Math.ceil(seconds / 3) };
    const mark = bench.cleanup.mark();
    try {
      const { value } = await measureAlternative(bench, alternative, short);
      if (value > best.perSecond) best = { concurrency, perSecond: value };
      bench.progress.say(`  ${name}, ${concurrency} at a time: ${formatRate(value)}`);
    } catch (error) {
      bench.signal.throwIfAborted();
      recorder.fail(name, error);
      bench.progress.say(`  ${name}, ${concurrency} at a time, failed: ${String(error).split('\n')[0]}`);
    } finally {
      if (!bench.signal.aborted) await bench.cleanup.unwind(mark);
    }
  }
  const { concurrency } = best;
  if (concurrency === 0) return undefined;
  delete recorder.failures[name];
  if (alternative.package !== undefined)
    recorder.versions[alternative.package] = readVersion(alternative.package);
  return {
    name,
    note: `${tuning}; ${concurrency}, the fastest of ${concurrencies.join(', ')}`,
    measure: () => measureAlternative(bench, alternative, { concurrency, count, seconds }),
  };
}

function readVersion(name: string): string {
  const file = join(benchFolder, 'node_modules', name, 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
