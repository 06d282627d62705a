import type { InstanceLog } from '../core/instance/instance-log.ts';
import type { SourceId } from '../core/instance/purchase.ts';

/** An entry on a sale's stream. */
export interface EntryKey {
  stream: string;
  entryId: SourceId;
}

/** The state of a purchase, for the buyer. */
export type Progress =
  /** Not an instance yet. */
  | ({ state: 'WAITING' } & Waiting)
  | {
      state: 'CREATED' | 'SUCCESS' | 'FAILED';
      instance: InstanceLog;
      restocked: Restocked | undefined;
      /** When a second purchase with the same entry id was parked: the store gave the id out twice. */
      conflictAt: Date | undefined;
    }
  /** Set aside with a reason; an operator replays it, or has discarded it. */
  | { state: 'PARKED' | 'DISCARDED'; reason: string; parkedAt: Date };

/** Where it stands in the queue. */
export interface Waiting {
  /** Entries before it that have not been handed out; 0: it is being worked on. undefined: the store does not know. */
  place: number | undefined;
  /** Until its turn. undefined while nothing has moved yet. */
  estimateMs: number | undefined;
}

/** The unit of a failed instance. `NO_SALE`: it was not sold through a sale of Weir's. */
export interface Restocked {
  status: 'REQUESTED' | 'RESTOCKED' | 'NO_SALE';
  at: Date;
}

export type Settled = Exclude<Progress, { state: 'WAITING' }>;

export interface ProgressRows {
  /** What the database knows, in order; undefined: nothing yet. */
  findProgress(keys: readonly EntryKey[]): Promise<(Settled | undefined)[]>;
}

export interface StreamPlaces {
  /** For each of a stream's entries, in order: where it stands; undefined: it is not on the stream. */
  locate(stream: string, ids: readonly SourceId[]): Promise<StreamPlacement>;
}

export interface StreamPlacement {
  /** How many entries of the stream have ever been handed out; undefined where the store does not count them. */
  delivered: number | undefined;
  /** The time in the id of the last one handed out, milliseconds since 1970; 0: none was. */
  lastDeliveredMs: number;
  entries: ({ nth: number | undefined } | undefined)[];
}

const windowMs = 5_000;

/** How fast a stream moves, from what was read off it lately. */
export class StreamPace {
  #readings: { atMs: number; delivered: number }[] = [];

  note(atMs: number, delivered: number): void {
    this.#readings = this.#readings.filter((reading) => reading.atMs > atMs - windowMs);
    this.#readings.push({ atMs, delivered });
  }

  /** Entries a millisecond; undefined: nothing moved while we looked. */
  get perMs(): number | undefined {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)];
    if (!first || !last || last.delivered <= first.delivered) return undefined;
    return (last.delivered - first.delivered) / (last.atMs - first.atMs);
  }
}

/**
 * @param entryMs the time in the entry's id
 * @returns its place and an estimate: by the pace that was seen, else the time between its purchase and that of the entry
 *   which was handed out last, which is right as long as buyers come as fast as instances are made
 */
export function judgePlace(
  { delivered, lastDeliveredMs }: Omit<StreamPlacement, 'entries'>,
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
