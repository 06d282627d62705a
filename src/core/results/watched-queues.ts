/** The queues that other services consume. */
export type WatchedQueue = 'created' | 'release' | 'refund';

export const watchedQueues: readonly WatchedQueue[] = ['created', 'release', 'refund'];
