/** The queues that other services consume. */
export type WatchedQueue = 'created' | 'release' | 'refund';

export const watchedQueues: readonly WatchedQueue[] = ['created', 'release', 'refund'];

/** The label of one of several queues: `created.0`. */
export function labelQueue(queue: WatchedQueue, index: number, count: number): string {
  return count === 1 ? queue : `${queue}.${index}`;
}
