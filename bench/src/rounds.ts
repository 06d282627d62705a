import type { Bench } from './bench.ts';
import { formatValue } from './report/format.ts';
import type { Sample, Unit } from './report/line.ts';
import type { Recorder } from './report/recorder.ts';

export interface Subject {
  readonly name: string;
  readonly unit?: Unit;
  readonly note?: string;
  /** What it adds to the cleanup is removed when it ends. */
  measure(round: number): Promise<Sample>;
}

/**
 * Every subject once per round. The order is rotated by one each round and reversed every other round, so
 * that a machine that slows down affects all of them, and none always follows the same neighbour. A subject
 * that fails is listed with its reason and left out of the later rounds.
 */
export async function takeTurns(
  bench: Bench,
  recorder: Recorder,
  subjects: readonly Subject[],
  rounds = bench.options.rounds,
): Promise<void> {
  const failed = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    for (const subject of orderOf(subjects, round)) {
      bench.signal.throwIfAborted();
      if (failed.has(subject.name)) continue;
      const { name, unit = '/s', note } = subject;
      const mark = bench.cleanup.mark();
      try {
        const sample = await subject.measure(round);
        recorder.add(name, unit, sample, note);
        bench.progress.say(`  ${name}, round ${round + 1} of ${rounds}: ${formatValue(sample.value, unit)}`);
      } catch (error) {
        bench.signal.throwIfAborted();
        failed.add(name);
        recorder.fail(name, error);
        bench.progress.say(`  ${name} failed: ${recorder.failures[name]?.split('\n')[0]}`);
      } finally {
        if (!bench.signal.aborted) await bench.cleanup.unwind(mark);
      }
    }
  }
}

export function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  const by = items.length === 0 ? 0 : round % items.length;
  const turned = [...items.slice(by), ...items.slice(0, by)];
  return round % 2 === 0 ? turned : turned.reverse();
}
