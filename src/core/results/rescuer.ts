import { repeatEvery } from '../../lib/repeat.ts';

/** What one look did. */
export interface RescueCounts {
  /** Published once more. */
  republished: number;
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
   * Writes down who was published `deadlineMs` ago and has no result, each instance once. Goes on behind the row id
   * `after`.
   */
  findOverdue(deadlineMs: number, after: string): Promise<OverduePage>;
  /**
   * What is due: republished with the same id and bytes, or given up after `maxPublications`. Each in one commit
   * with its batch or its compensation; two replicas never do the same.
   *
   * @returns undefined while messages wait for the broker: deadlines stand still then
   */
  handleDue(options: DueOptions): Promise<(RescueCounts & { looked: number }) | undefined>;
}

export interface DueOptions {
  deadlineMs: number;
  maxPublications: number;
  /** Otherwise only republish. */
  mayGiveUp: boolean;
  limit: number;
}

export interface RescuerDeps {
  rows: OverdueRows;
  /** @throws when the broker does not answer */
  readQueue: () => Promise<QueueReading>;
  /** Whether every result that has come is settled: else the answers may be waiting just here. */
  hasCaughtUp: () => Promise<boolean>;
  onHandled: (counts: RescueCounts) => void;
  /** The deadlines stopped, or run again. Called at each change. */
  onWay?: (blockedBy: Way['blockedBy']) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface RescuerOptions {
  /** Time for an answer, from each publication; doubled with each further one. */
  deadlineMs: number;
  /** The first included. */
  maxPublications: number;
  everyMs: number;
  /** An instance is given up only after the way has been clear for so long. */
  calmMs: number;
}

const retry = { firstMs: 500, maxMs: 30_000 };
const instancesPerCommit = 200;

/** An event that waits longer than this for a consumer stops the deadlines; half a deadline where that is shorter. */
const longestUnreadMs = 30_000;

/** Sees to it that no instance stays PROCESSING for ever. Runs until stopped, in any number of processes. */
export class Rescuer {
  readonly #deps: RescuerDeps;
  readonly #options: RescuerOptions;
  #blockedBy: Way['blockedBy'];

  constructor(deps: RescuerDeps, options: RescuerOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  run(signal: AbortSignal): Promise<void> {
    const { onFailure } = this.#deps;
    return repeatEvery({ everyMs: this.#options.everyMs, retry, onFailure }, () => this.look(signal), signal);
  }

  async look(signal?: AbortSignal): Promise<void> {
    const { rows, readQueue, hasCaughtUp } = this.#deps;
    const { deadlineMs, calmMs } = this.#options;
    const unreadAfterMs = Math.min(longestUnreadMs, deadlineMs / 2);
    const { blockedBy, clearMs } = await rows.checkWay(readQueue, { deadlineMs, unreadAfterMs });
    if (blockedBy !== this.#blockedBy) this.#deps.onWay?.(blockedBy);
    this.#blockedBy = blockedBy;
    await this.#find(signal);
    if (!blockedBy && (await hasCaughtUp())) await this.#handle(clearMs >= calmMs, signal);
  }

  async #find(signal: AbortSignal | undefined): Promise<void> {
    let after: string | undefined = '0';
    while (after !== undefined && !signal?.aborted) {
      const page: OverduePage = await this.#deps.rows.findOverdue(this.#options.deadlineMs, after);
      after = page.nextAfter;
    }
  }

  async #handle(mayGiveUp: boolean, signal: AbortSignal | undefined): Promise<void> {
    const { rows, onHandled } = this.#deps;
    const { deadlineMs, maxPublications } = this.#options;
    while (!signal?.aborted) {
      const counts = await rows.handleDue({
        deadlineMs,
        maxPublications,
        mayGiveUp,
        limit: instancesPerCommit,
      });
      if (!counts) return;
      const { republished, timedOut, looked } = counts;
      if (republished + timedOut > 0) onHandled({ republished, timedOut });
      if (looked < instancesPerCommit) return;
    }
  }
}
