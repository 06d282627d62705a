import { pause } from '../../lib/backoff.ts';

/** Each call removes a small step's worth. @returns how many rows went, 0 when nothing is old */
export type CleaningTask = (signal: AbortSignal) => Promise<number>;

const betweenStepsMs = 50;

/**
 * Removes what is finished and old, task after task, with a pause between the steps. One that fails does not keep the
 * others from their work.
 *
 * @throws AggregateError of those that failed, at the end
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
