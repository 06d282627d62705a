import type { QueueProgress } from './take-results.ts';

/**
 * Whether every result that was there at the last question has been settled since. An empty queue is too much to ask:
 * under steady traffic something has always just come.
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
