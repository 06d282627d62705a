import type { ErrorCode, WeirError } from '../../errors.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { encodeOriginal } from './encode-original.ts';
import type { SeckillStreams, StreamEntry } from './seckill-streams.ts';

export interface ParkedEntry {
  stream: string;
  id: string;
  error: WeirError;
  original: Buffer;
}

export interface ParkDeps {
  streams: Pick<SeckillStreams, 'readOriginals'>;
  /** Finds the entries that already have their instance. */
  findFinished: (stream: string, ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Parks all entries or none. */
  park: (entries: ParkedEntry[]) => Promise<void>;
  onParked: (entries: ParkedEntry[]) => void;
}

/** An entry that cannot become an instance, and why. */
export interface Unfit {
  entry: StreamEntry;
  error: WeirError;
}

/** Bytes read from the stream at a time while entries are parked. */
const bytesPerReading = 8 * 1024 * 1024;

/**
 * Codes that do not describe the entry: an earlier delivery may have created its instance and crashed before
 * the acknowledgement.
 */
const mayBeFinished: ReadonlySet<ErrorCode> = new Set(['ENTRY_DELETED', 'MAX_DELIVERIES_EXCEEDED']);

/** Parks entries, except those that turn out to have their instance. */
export async function parkEntries(deps: ParkDeps, stream: string, unfit: readonly Unfit[]): Promise<void> {
  const ids = unfit.filter(({ error }) => mayBeFinished.has(error.code)).map(({ entry }) => entry.id);
  const finished = ids.length > 0 ? await deps.findFinished(stream, ids) : new Set();
  const open = unfit.filter(({ entry }) => !finished.has(entry.id));
  if (open.length === 0) return;
  const originals = await readOriginals(
    deps,
    stream,
    open.map(({ entry }) => entry),
  );
  const parked = open.map(({ entry, error }, i) => ({
    stream,
    id: entry.id,
    error,
    original: originals[i] ?? encodeOriginal([]),
  }));
  await deps.park(parked);
  failpoint('after-park');
  deps.onParked(parked);
}

async function readOriginals(
  { streams }: ParkDeps,
  stream: string,
  entries: readonly StreamEntry[],
): Promise<Buffer[]> {
  const originals: Buffer[] = [];
  for (let from = 0; from < entries.length; ) {
    let to = from;
    for (let bytes = 0; to < entries.length && (to === from || bytes < bytesPerReading); to++) {
      bytes += entries[to]?.bytes ?? 0;
    }
    const ids = entries.slice(from, to).map(({ id }) => id);
    for (const fields of await streams.readOriginals(stream, ids)) {
      originals.push(encodeOriginal(fields));
    }
    from = to;
  }
  return originals;
}
