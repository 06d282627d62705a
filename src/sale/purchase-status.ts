import type { SourceId } from '../core/instance/purchase.ts';
import { WeirError } from '../errors.ts';
import { pause } from '../lib/backoff.ts';
import { gather } from '../lib/gather.ts';
import { LruMap } from '../lib/lru-map.ts';
import {
  type EntryKey,
  estimatePosition,
  type Progress,
  type ProgressRows,
  StreamPace,
  type StreamPositions,
} from './purchase-progress.ts';

interface PurchaseStatusDeps {
  rows: ProgressRows;
  places: StreamPositions;
  /** Aborts every wait. */
  signal: AbortSignal;
}

/** Further waiting requests are rejected. */
const maxWaiting = 20_000;
const maxStreamsPaced = 1_000;

/** Returns the status of purchases to buyers; a caller may wait for a change. */
export class PurchaseStatus {
  readonly #deps: PurchaseStatusDeps;
  readonly #paces = new LruMap<string, StreamPace>(maxStreamsPaced);
  #waiting = 0;
  /**
   * Concurrent calls share their queries.
   * @returns undefined when there is no such entry
   */
  readonly ask: (key: EntryKey) => Promise<Progress | undefined>;

  constructor(deps: PurchaseStatusDeps) {
    this.#deps = deps;
    this.ask = gather((keys: EntryKey[]) => this.#findAll(keys), { maxItems: 500, maxInFlight: 1 });
  }

  /**
   * Resolves when the state differs from `after`, or at the timeout.
   * @throws WeirError OVERLOADED
   */
  async wait(key: EntryKey, after: string | undefined, waitMs: number): Promise<Progress | undefined> {
    if (this.#waiting >= maxWaiting) {
      throw new WeirError('OVERLOADED', `${maxWaiting} requests already wait for the progress of a purchase`);
    }
    const deadline = performance.now() + waitMs;
    this.#waiting++;
    try {
      for (;;) {
        const progress = await this.ask(key);
        const leftMs = deadline - performance.now();
        const isNews = after === undefined || progress?.state !== after;
        if (isNews || leftMs <= 0 || this.#deps.signal.aborted) return progress;
        await pause(Math.min(leftMs, this.#pollMs), this.#deps.signal);
      }
    } finally {
      this.#waiting--;
    }
  }

  /**
   * The interval grows with the number of waiting requests, so that at most some thousand are queried per
   * second.
   */
  get #pollMs(): number {
    return Math.max(200, this.#waiting / 5);
  }

  async #findAll(keys: readonly EntryKey[]): Promise<(Progress | undefined)[]> {
    const found: (Progress | undefined)[] = await this.#deps.rows.findProgress(keys);
    const unknown = keys.filter((_, i) => !found[i]);
    if (unknown.length === 0) return found;
    const waiting = await this.#locateAll(unknown);
    // Entries that left the stream after the database was read are recorded in the database now.
    const gone = unknown.filter((key) => !waiting.get(key));
    const late = gone.length > 0 ? await this.#deps.rows.findProgress(gone) : [];
    gone.forEach((key, i) => {
      waiting.set(key, late[i]);
    });
    return keys.map((key, i) => found[i] ?? waiting.get(key));
  }

  async #locateAll(keys: readonly EntryKey[]): Promise<Map<EntryKey, Progress | undefined>> {
    const answers = new Map<EntryKey, Progress | undefined>();
    for (const stream of new Set(keys.map((key) => key.stream))) {
      const ofStream = keys.filter((key) => key.stream === stream);
      const placement = await this.#deps.places.locate(
        stream,
        ofStream.map(({ entryId }) => entryId),
      );
      const pace = this.#paceOf(stream);
      if (placement.delivered !== undefined) pace.note(performance.now(), placement.delivered);
      ofStream.forEach((key, i) => {
        const entry = placement.entries[i];
        const place = entry && estimatePosition(placement, entry.nth, timeOf(key.entryId), pace);
        answers.set(key, place && { state: 'WAITING', ...place });
      });
    }
    return answers;
  }

  #paceOf(stream: string): StreamPace {
    const pace = this.#paces.get(stream) ?? new StreamPace();
    this.#paces.set(stream, pace);
    return pace;
  }
}

/** Entry ids are `<milliseconds>-<number>`. */
function timeOf(entryId: SourceId): number {
  return Number(entryId.slice(0, entryId.indexOf('-')));
}
