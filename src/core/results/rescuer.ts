import { repeatEvery } from '../../lib/repeat.ts';

/** The counts of one rescue. */
export interface RescueCounts {
  /** Instances republished. */
  republished: number;
  /** Instances set to FAILED with reason TIMEOUT. */
  timedOut: number;
}

/**
 * A page of the rows that were read; `nextAfter` is undefined when the page reached rows that are too recent.
 */
export interface OverduePage {
  nextAfter: string | undefined;
}

/** The broker's figures for one queue of created instances. */
export interface QueueReading {
  /** Messages not yet delivered to a consumer. */
  ready: number;
  consumers: number;
}

/** Whether published events reach a consumer. Deadlines are paused while they do not. */
export interface Way {
  blockedBy: 'outbox' | 'no consumer' | 'unread events' | undefined;
  /** How long the way has been clear, as observed by any process. */
  clearMs: number;
}

export interface WayOptions {
  deadlineMs: number;
  /** An unread event older than this blocks the way. */
  unreadAfterMs: number;
}

export interface OverdueRows {
  /** Checks whether the way is clear; extends the deadlines that were paused meanwhile. */
  checkWay(readQueues: () => Promise<QueueReading[]>, options: WayOptions): Promise<Way>;
  /**
   * Records, once each, the instances published `deadlineMs` ago without a result. Continues after the row id
   * `after`.
   */
  findOverdue(deadlineMs: number, after: string): Promise<OverduePage>;
  /**
   * Republishes due instances with the same id and bytes, or times them out after `maxPublications`, each in
   * one commit with its batch or compensation. Two replicas never handle the same instance.
   * @returns undefined while messages wait for the broker: deadlines are paused then
   */
  handleDue(options: DueOptions): Promise<(RescueCounts & { handled: number }) | undefined>;
}

export interface DueOptions {
  deadlineMs: number;
  maxPublications: number;
  /** false: only republish. */
  mayGiveUp: boolean;
  limit: number;
}

interface RescuerDeps {
  rows: OverdueRows;
  /** All queues of created instances, in order. @throws when the broker does not answer */
  readQueues: () => Promise<QueueReading[]>;
  /** Whether every result that has arrived is settled; otherwise the answers may be among those waiting. */
  hasCaughtUp: () => Promise<boolean>;
  onHandled: (counts: RescueCounts) => void;
  /** Called whenever deadlines pause or resume. */
  onWay?: (blockedBy: Way['blockedBy']) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

interface RescuerOptions {
  /** Time for a result after each publication; doubles with each further one. */
  deadlineMs: number;
  /** Includes the first publication. */
  maxPublications: number;
  everyMs: number;
  /** An instance times out only after the way has been clear for this long. */
  calmMs: number;
}

const retry = { firstMs: 500, maxMs: 30_000 };
const instancesPerCommit = 200;

/** An unread event older than this pauses the deadlines; half a deadline where that is shorter. */
const longestUnreadMs = 30_000;

/**
 * Republishes or times out overdue instances, so that none stays PROCESSING for ever. Runs until stopped, in
 * any number of processes.
 */
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
    return repeatEvery(
      { everyMs: this.#options.everyMs, retry, onFailure },
      () => this.rescue(signal),
      signal,
    );
  }

  async rescue(signal?: AbortSignal): Promise<void> {
    const { rows, readQueues, hasCaughtUp } = this.#deps;
    const { deadlineMs, calmMs } = this.#options;
    const unreadAfterMs = Math.min(longestUnreadMs, deadlineMs / 2);
    const { blockedBy, clearMs } = await rows.checkWay(readQueues, { deadlineMs, unreadAfterMs });
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
      const { republished, timedOut, handled } = counts;
      if (republished + timedOut > 0) onHandled({ republished, timedOut });
      if (handled < instancesPerCommit) return;
    }
  }
}
