import type { InstanceLog } from '../core/instance/instance-log.ts';
import type { SourceId } from '../core/instance/purchase.ts';

/** Identifies an entry on a sale's stream. */
export interface EntryKey {
  stream: string;
  entryId: SourceId;
}

/** The state of a purchase, as shown to the buyer. */
export type Progress =
  /** Not an instance yet. */
  | ({ state: 'WAITING' } & Waiting)
  | {
      state: 'CREATED' | 'SUCCESS' | 'FAILED';
      instance: InstanceLog;
      restocked: Restocked | undefined;
      /** When a second purchase with the same entry id was parked: the store issued the id twice. */
      conflictAt: Date | undefined;
    }
  /** Parked with a reason: an operator can replay it, or has discarded it. */
  | { state: 'PARKED' | 'DISCARDED'; reason: string; parkedAt: Date };

/** The entry's position in the queue. */
interface Waiting {
  /** Undelivered entries before this one; 0: being processed. undefined: unknown to the store. */
  place: number | undefined;
  /** Milliseconds until its turn; undefined before any entry has been delivered. */
  estimateMs: number | undefined;
}

/** The unit of a failed instance. `NO_SALE`: not sold through a sale of Weir. */
export interface Restocked {
  status: 'REQUESTED' | 'RESTOCKED' | 'NO_SALE';
  at: Date;
}

export type Settled = Exclude<Progress, { state: 'WAITING' }>;

export interface ProgressRows {
  /** Returns what the database has recorded, in order; undefined: nothing yet. */
  findProgress(keys: readonly EntryKey[]): Promise<(Settled | undefined)[]>;
}

export interface StreamPositions {
  /** Returns the position of each entry of a stream, in order; undefined: not on the stream. */
  locate(stream: string, ids: readonly SourceId[]): Promise<StreamPosition>;
}

interface StreamPosition {
  /** Entries of the stream ever delivered; undefined where the store does not count them. */
  delivered: number | undefined;
  /** Milliseconds since 1970 in the id of the last delivered entry; 0: none. */
  lastDeliveredMs: number;
  entries: ({ nth: number | undefined } | undefined)[];
}

const windowMs = 5_000;

/** Measures how fast entries are read from a stream. */
export class StreamPace {
  #readings: { atMs: number; delivered: number }[] = [];

  note(atMs: number, delivered: number): void {
    this.#readings = this.#readings.filter((reading) => reading.atMs > atMs - windowMs);
    this.#readings.push({ atMs, delivered });
  }

  /** Entries per millisecond; undefined: none were read during the measurement. */
  get perMs(): number | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (!first || !last || last.delivered <= first.delivered) return undefined;
    return (last.delivered - first.delivered) / (last.atMs - first.atMs);
  }
}

/**
 * @param entryMs the time in the entry's id
 * @returns its position and an estimate: from the measured pace, else from the time between its purchase and
 * that of the last delivered entry, which is right while buyers arrive as fast as instances are created
 */
export function estimatePosition(
  { delivered, lastDeliveredMs }: Omit<StreamPosition, 'entries'>,
  nth: number | undefined,
  entryMs: number,
  pace: StreamPace,
): Waiting {
  const behindMs = lastDeliveredMs > 0 ? Math.max(0, entryMs - lastDeliveredMs) : undefined;
  if (delivered === undefined || nth === undefined) {
    return { place: behindMs === 0 ? 0 : undefined, estimateMs: behindMs };
  }
  const place = Math.max(0, nth - delivered - 1);
  if (nth <= delivered) return { place: 0, estimateMs: 0 };
  return { place, estimateMs: pace.perMs ? Math.ceil((place + 1) / pace.perMs) : behindMs };
}
