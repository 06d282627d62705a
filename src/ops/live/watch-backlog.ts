import { repeatEvery } from '../../lib/repeat.ts';
import type { Backlog, DatabaseBacklog, StreamBacklog } from './backlog.ts';

export interface BacklogDeps {
  readDatabase: () => Promise<DatabaseBacklog>;
  /** undefined where this process reads no streams. */
  readStreams: (() => Promise<StreamBacklog>) | undefined;
  /** After each look at either place, also one that failed. */
  onRead: (backlog: Backlog) => void;
}

const retry = { firstMs: 1_000, maxMs: 5_000 };

/**
 * Asks the stores every `everyMs` what waits, however often metrics are scraped. Each store by itself: one that is unavailable, or takes
 * its time, does not hide what waits in the other.
 */
export async function watchBacklog(deps: BacklogDeps, everyMs: number, signal: AbortSignal): Promise<void> {
  const { readDatabase, readStreams, onRead } = deps;
  const watch = (place: Backlog['place'], look: () => Promise<Backlog>) => {
    const onFailure = (error: unknown, attempt: number) =>
      onRead({ place, waiting: undefined, error, attempt });
    return repeatEvery({ everyMs, retry, onFailure }, async () => onRead(await look()), signal);
  };
  await Promise.all([
    watch('database', async () => ({ place: 'database', waiting: await readDatabase() })),
    readStreams && watch('streams', async () => ({ place: 'streams', waiting: await readStreams() })),
  ]);
}
