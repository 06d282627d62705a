import type { Clock } from '../lib/clock.ts';
import { repeatEvery } from '../lib/repeat.ts';

/** What one look did. */
export interface StuckCounts {
  /** Announced once more. */
  announcedAgain: number;
  /** Given up: FAILED with reason TIMEOUT. */
  timedOut: number;
}

/** A page of rows that were looked at; `nextAfter` is undefined when it came to the young ones. */
export interface OverduePage {
  nextAfter: string | undefined;
}

export interface OverdueRows {
  /**
   * Writes down who was announced `deadlineMs` ago and has no result, each instance once. Goes on behind the row id
   * `after`.
   */
  findOverdue(deadlineMs: number, after: string): Promise<OverduePage>;
  /**
   * What is due: announced again with the same id and bytes, or given up after `maxAnnouncements`. Each in one commit
   * with its frame or its compensation; two replicas never do the same.
   *
   * @returns undefined while messages wait for the broker: then nobody can answer, and nobody is late
   */
  handleDue(options: DueOptions): Promise<(StuckCounts & { looked: number }) | undefined>;
}

export interface DueOptions {
  deadlineMs: number;
  maxAnnouncements: number;
  /** Otherwise only announce again. */
  mayGiveUp: boolean;
  limit: number;
}

export interface StuckParts {
  rows: OverdueRows;
  /** Whether every result that has come is settled: else the answers may be waiting just here. */
  hasCaughtUp: () => Promise<boolean>;
  clock: Clock;
  onHandled: (counts: StuckCounts) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface StuckOptions {
  /** Time for an answer, from each announcement; doubled with each further one. */
  deadlineMs: number;
  /** The first included. */
  maxAnnouncements: number;
  everyMs: number;
  /** An instance is given up only after all has been well for so long: broker, results, and this process. */
  calmMs: number;
}

const retry = { firstMs: 500, maxMs: 30_000 };
const instancesPerCommit = 200;

/** Sees to it that no instance stays PROCESSING for ever. Runs until stopped, in any number of processes. */
export class StuckWatch {
  readonly #parts: StuckParts;
  readonly #options: StuckOptions;
  /** Monotonic time since when nothing has stood in the way of an answer. */
  #calmSince: number | undefined;

  constructor(parts: StuckParts, options: StuckOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  run(signal: AbortSignal): Promise<void> {
    const { onFailure } = this.#parts;
    return repeatEvery({ everyMs: this.#options.everyMs, retry, onFailure }, () => this.look(signal), signal);
  }

  async look(signal?: AbortSignal): Promise<void> {
    try {
      await this.#find(signal);
      if (await this.#parts.hasCaughtUp()) await this.#handle(signal);
    } catch (error) {
      this.#calmSince = undefined;
      throw error;
    }
  }

  async #find(signal: AbortSignal | undefined): Promise<void> {
    let after: string | undefined = '0';
    while (after !== undefined && !signal?.aborted) {
      const page: OverduePage = await this.#parts.rows.findOverdue(this.#options.deadlineMs, after);
      after = page.nextAfter;
    }
  }

  async #handle(signal: AbortSignal | undefined): Promise<void> {
    const { rows, clock, onHandled } = this.#parts;
    const { deadlineMs, maxAnnouncements, calmMs } = this.#options;
    this.#calmSince ??= clock.monotonicMs();
    const mayGiveUp = clock.monotonicMs() - this.#calmSince >= calmMs;
    while (!signal?.aborted) {
      const counts = await rows.handleDue({
        deadlineMs,
        maxAnnouncements,
        mayGiveUp,
        limit: instancesPerCommit,
      });
      if (!counts) {
        this.#calmSince = undefined;
        return;
      }
      const { announcedAgain, timedOut, looked } = counts;
      if (announcedAgain + timedOut > 0) onHandled({ announcedAgain, timedOut });
      if (looked < instancesPerCommit) return;
    }
  }
}
