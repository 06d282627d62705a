import type { QueueProgress } from './take-results.ts';

/**
 * Returns a check of whether every result present at the previous check has been settled since. Requiring an
 * empty queue would fail under steady traffic.
 */
export function watchCaughtUp(readProgress: () => Promise<QueueProgress>): () => Promise<boolean> {
  let goal: number | undefined;
  return async () => {
    const { waiting, finished } = await readProgress();
    const isCaughtUp = waiting === 0 || (goal !== undefined && finished >= goal);
    if (isCaughtUp || goal === undefined) goal = finished + waiting;
    return isCaughtUp;
  };
}
