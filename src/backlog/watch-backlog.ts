import { repeatEvery } from '../lib/repeat.ts';
import type { Backlog, DatabaseBacklog, StreamBacklog } from './backlog.ts';

export interface BacklogParts {
  readDatabase: () => Promise<DatabaseBacklog>;
  /** undefined where this process reads no streams. */
  readStreams: (() => Promise<StreamBacklog>) | undefined;
  onRead: (backlog: Backlog) => void;
  /** What was known is old. */
  onUnknown: () => void;
}

const retry = { firstMs: 1_000, maxMs: 5_000 };

/**
 * Asks the stores every `everyMs` what waits, whoever scrapes how often. A store that is away is told by those who need
 * it: here it only means that nothing is known.
 */
export function watchBacklog(parts: BacklogParts, everyMs: number, signal: AbortSignal): Promise<void> {
  const { readDatabase, readStreams, onRead, onUnknown } = parts;
  const look = async () => {
    const [database, streams] = await Promise.all([readDatabase(), readStreams?.()]);
    onRead({ database, streams });
  };
  return repeatEvery({ everyMs, retry, onFailure: onUnknown }, look, signal);
}
