import { pause } from '../../lib/backoff.ts';

/**
 * One call removes one small step.
 * @returns the number of rows removed, 0 when nothing is old
 */
export type CleaningTask = (signal: AbortSignal) => Promise<number>;

const betweenStepsMs = 50;

/**
 * Runs the cleaning tasks one after the other, with a pause between steps. A failed task does not stop the
 * others.
 * @throws AggregateError of the failures, at the end
 */
export async function clean(
  tasks: Readonly<Record<string, CleaningTask>>,
  onCleaned: (what: string, count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const failures: unknown[] = [];
  for (const [what, task] of Object.entries(tasks)) {
    let total = 0;
    try {
      while (!signal.aborted) {
        const count = await task(signal);
        if (count === 0) break;
        total += count;
        await pause(betweenStepsMs, signal);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      failures.push(new Error(`${what}: ${reason}`, { cause: error }));
    }
    if (total > 0) onCleaned(what, total);
  }
  if (failures.length > 0) throw new AggregateError(failures, 'cleaning');
}
