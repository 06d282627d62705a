import { repeatEvery } from '../lib/repeat.ts';

/** What one look did. */
export interface StuckCounts {
  /** Announced once more. */
  announcedAgain: number;
  /** Given up: FAILED with reason TIMEOUT. */
  timedOut: number;
}

export interface OverdueRows {
  /** Writes down who has passed `deadlineMs` without a result; each instance once. @returns how many were looked at */
  findOverdue(deadlineMs: number): Promise<number>;
  /**
   * What is due: announced again with the same id and bytes, or given up after `maxAnnouncements`. Each in one commit
   * with its frame or its compensation; two replicas never do the same.
   */
  handleDue(options: DueOptions): Promise<StuckCounts>;
}

export interface DueOptions {
  deadlineMs: number;
  maxAnnouncements: number;
  limit: number;
}

export interface StuckParts {
  rows: OverdueRows;
  /** Whether every result that has come is settled: else the answers may be waiting just here. */
  hasCaughtUp: () => Promise<boolean>;
  onHandled: (counts: StuckCounts) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface StuckOptions {
  /** Time for an answer, from the commit and again from each further announcement, then doubled. */
  deadlineMs: number;
  /** The first included. */
  maxAnnouncements: number;
  everyMs: number;
}

const retry = { firstMs: 500, maxMs: 30_000 };
const instancesPerCommit = 200;
/** findOverdue looks at this many rows at most; fewer means that it has come to the young ones. */
export const rowsPerLook = 20_000;

/** Sees to it that no instance stays PROCESSING for ever. Runs until stopped, in any number of processes. */
export class StuckWatch {
  readonly #parts: StuckParts;
  readonly #options: StuckOptions;

  constructor(parts: StuckParts, options: StuckOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  run(signal: AbortSignal): Promise<void> {
    const { onFailure } = this.#parts;
    return repeatEvery({ everyMs: this.#options.everyMs, retry, onFailure }, () => this.look(signal), signal);
  }

  async look(signal?: AbortSignal): Promise<void> {
    const { rows, hasCaughtUp, onHandled } = this.#parts;
    const { deadlineMs, maxAnnouncements } = this.#options;
    while (!signal?.aborted && (await rows.findOverdue(deadlineMs)) >= rowsPerLook);
    while (!signal?.aborted && (await hasCaughtUp())) {
      const counts = await rows.handleDue({ deadlineMs, maxAnnouncements, limit: instancesPerCommit });
      if (counts.announcedAgain + counts.timedOut === 0) return;
      onHandled(counts);
    }
  }
}
