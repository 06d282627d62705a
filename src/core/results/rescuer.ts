import { repeatEvery } from '../../lib/repeat.ts';

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

/** What the broker reports of the queue of created instances. */
export interface QueueReading {
  /** Messages that no consumer has been given. */
  ready: number;
  consumers: number;
}

/** Whether a published event reaches a consumer. While it does not, no deadline runs. */
export interface Way {
  blockedBy: 'outbox' | 'no consumer' | 'unread events' | undefined;
  /** For how long it has been clear, whichever process looked. */
  clearMs: number;
}

export interface WayOptions {
  deadlineMs: number;
  /** An event that is older and was not read blocks the way. */
  unreadAfterMs: number;
}

export interface OverdueRows {
  /** Looks whether the way is clear; deadlines that stood still meanwhile are extended. */
  checkWay(readQueue: () => Promise<QueueReading>, options: WayOptions): Promise<Way>;
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
  /** @throws when the broker does not answer */
  readQueue: () => Promise<QueueReading>;
  /** Whether every result that has come is settled: else the answers may be waiting just here. */
  hasCaughtUp: () => Promise<boolean>;
  onHandled: (counts: StuckCounts) => void;
  /** The deadlines stopped, or run again. Called at each change. */
  onWay?: (blockedBy: Way['blockedBy']) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface StuckOptions {
  /** Time for an answer, from each announcement; doubled with each further one. */
  deadlineMs: number;
  /** The first included. */
  maxAnnouncements: number;
  everyMs: number;
  /** An instance is given up only after the way has been clear for so long. */
  calmMs: number;
}

const retry = { firstMs: 500, maxMs: 30_000 };
const instancesPerCommit = 200;

/** An event that waits longer than this for a consumer stops the deadlines; half a deadline where that is shorter. */
const longestUnreadMs = 30_000;

/** Sees to it that no instance stays PROCESSING for ever. Runs until stopped, in any number of processes. */
export class StuckWatch {
  readonly #parts: StuckParts;
  readonly #options: StuckOptions;
  #blockedBy: Way['blockedBy'];

  constructor(parts: StuckParts, options: StuckOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  run(signal: AbortSignal): Promise<void> {
    const { onFailure } = this.#parts;
    return repeatEvery({ everyMs: this.#options.everyMs, retry, onFailure }, () => this.look(signal), signal);
  }

  async look(signal?: AbortSignal): Promise<void> {
    const { rows, readQueue, hasCaughtUp } = this.#parts;
    const { deadlineMs, calmMs } = this.#options;
    const unreadAfterMs = Math.min(longestUnreadMs, deadlineMs / 2);
    const { blockedBy, clearMs } = await rows.checkWay(readQueue, { deadlineMs, unreadAfterMs });
    if (blockedBy !== this.#blockedBy) this.#parts.onWay?.(blockedBy);
    this.#blockedBy = blockedBy;
    await this.#find(signal);
    if (!blockedBy && (await hasCaughtUp())) await this.#handle(clearMs >= calmMs, signal);
  }

  async #find(signal: AbortSignal | undefined): Promise<void> {
    let after: string | undefined = '0';
    while (after !== undefined && !signal?.aborted) {
      const page: OverduePage = await this.#parts.rows.findOverdue(this.#options.deadlineMs, after);
      after = page.nextAfter;
    }
  }

  async #handle(mayGiveUp: boolean, signal: AbortSignal | undefined): Promise<void> {
    const { rows, onHandled } = this.#parts;
    const { deadlineMs, maxAnnouncements } = this.#options;
    while (!signal?.aborted) {
      const counts = await rows.handleDue({
        deadlineMs,
        maxAnnouncements,
        mayGiveUp,
        limit: instancesPerCommit,
      });
      if (!counts) return;
      const { announcedAgain, timedOut, looked } = counts;
      if (announcedAgain + timedOut > 0) onHandled({ announcedAgain, timedOut });
      if (looked < instancesPerCommit) return;
    }
  }
}
