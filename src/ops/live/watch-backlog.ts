import { repeatEvery } from '../../lib/repeat.ts';
import type { Backlog, DatabaseBacklog, StreamBacklog } from './backlog.ts';

interface BacklogDeps {
  readDatabase: () => Promise<DatabaseBacklog>;
  /** undefined when this process reads no streams. */
  readStreams: (() => Promise<StreamBacklog>) | undefined;
  /** Called after every read of either place, including failed ones. */
  onRead: (backlog: Backlog) => void;
}

const retry = { firstMs: 1_000, maxMs: 5_000 };

/**
 * Reads the backlogs every `everyMs`, independently of metric scrapes. Each store is read on its own, so one
 * that is unavailable or slow does not hide the other's backlog.
 */
export async function watchBacklog(deps: BacklogDeps, everyMs: number, signal: AbortSignal): Promise<void> {
  const { readDatabase, readStreams, onRead } = deps;
  const watch = (place: Backlog['place'], read: () => Promise<Backlog>) => {
    const onFailure = (error: unknown, attempt: number) =>
      onRead({ place, waiting: undefined, error, attempt });
    return repeatEvery({ everyMs, retry, onFailure }, async () => onRead(await read()), signal);
  };
  await Promise.all([
    watch('database', async () => ({ place: 'database', waiting: await readDatabase() })),
    readStreams && watch('streams', async () => ({ place: 'streams', waiting: await readStreams() })),
  ]);
}
