import type { Bench } from '../bench.ts';
import { createWeirDatabase } from '../limits/postgres.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { orderOf } from '../rounds.ts';
import { connectTo } from '../stores/database.ts';
import { runPipeline } from './pipeline.ts';

export const vacuumFree = 'vacuum free';
export const vacuumBlocked = 'vacuum blocked by an open transaction';
export const vacuumFreeLate = 'vacuum free, last third';
export const vacuumBlockedLate = 'vacuum blocked, last third';

const pipelinesAtLeast = 2;

/**
 * Alternates between two databases for the whole time; one of them has a transaction that stays open, so that
 * its deleted rows cannot be removed. The last third of the runs shows the accumulated effect.
 */
export async function measureVacuum(bench: Bench, recorder: Recorder): Promise<void> {
  const free = await createWeirDatabase(bench, 'vacuum_free');
  const blocked = await createWeirDatabase(bench, 'vacuum_blocked');
  const holder = await connectTo(bench, blocked);
  await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await holder.query('SELECT count(*) FROM outbox');
  const samples = { free: [] as Sample[], blocked: [] as Sample[] };
  const startedAt = performance.now();
  const heldSeconds = () => (performance.now() - startedAt) / 1000;
  for (let round = 0; round < pipelinesAtLeast || heldSeconds() < bench.options.heldSeconds; round++) {
    for (const which of orderOf(['free', 'blocked'] as const, round)) {
      bench.signal.throwIfAborted();
      const mark = bench.cleanup.mark();
      const database = which === 'free' ? free : blocked;
      const options = { purpose: `vacuum_${which}`, database };
      const sample = await runPipeline(bench, options, { title: `vacuum ${which}` });
      await bench.cleanup.unwind(mark);
      samples[which].push({ ...sample, figures: { ...sample.figures, heldSeconds: heldSeconds() } });
      bench.progress.tick(`vacuum, ${which}`, heldSeconds(), bench.options.heldSeconds);
    }
  }
  await holder.query('ROLLBACK');
  const note = `held for ${Math.round(heldSeconds())} s`;
  for (const sample of samples.free) recorder.add(vacuumFree, '/s', sample);
  for (const sample of samples.blocked) recorder.add(vacuumBlocked, '/s', sample, note);
  for (const sample of lastThird(samples.free)) recorder.add(vacuumFreeLate, '/s', sample);
  for (const sample of lastThird(samples.blocked)) recorder.add(vacuumBlockedLate, '/s', sample, note);
}

function lastThird<Item>(items: readonly Item[]): Item[] {
  return items.slice(Math.floor((items.length * 2) / 3));
}
