import { backoffMs } from '../../lib/backoff.ts';

/** A store that is unavailable is tried again soon; a stream that fails for a reason of its own may wait. */
const whileStoreIsUnavailable = { firstMs: 100, maxMs: 1_000 };
const whileStreamFails = { firstMs: 100, maxMs: 60_000 };
/** Failures in a row, of any streams, after which the whole loop slows down. */
const isWidespreadAfter = 3;
const widespread = { firstMs: 100, maxMs: 1_000 };

interface Failing {
  failures: number;
  /** Of the store, not of what stands on the stream. */
  isTransient: boolean;
  dueAtMs: number;
  isWaiting: boolean;
}

/** Which streams wait because their last batch failed. Each waits for itself, so one that fails stops no other. */
export class StreamBackoff {
  readonly #failing = new Map<string, Failing>();
  readonly #waiting = new Set<string>();
  #transientInARow = 0;

  get waiting(): ReadonlySet<string> {
    return this.#waiting;
  }

  /** @returns failures of this stream in a row; batches that were under way together count once */
  fail(stream: string, isTransient: boolean, nowMs: number): number {
    this.#transientInARow = isTransient ? this.#transientInARow + 1 : 0;
    const before = this.#failing.get(stream);
    const failures = (before?.failures ?? 0) + (before?.isWaiting ? 0 : 1);
    const waitMs = backoffMs(failures, isTransient ? whileStoreIsUnavailable : whileStreamFails);
    this.#failing.set(stream, { failures, isTransient, dueAtMs: nowMs + waitMs, isWaiting: true });
    this.#waiting.add(stream);
    return failures;
  }

  succeed(stream: string): void {
    this.#transientInARow = 0;
    const failing = this.#failing.get(stream);
    if (failing && !failing.isWaiting) this.#failing.delete(stream);
  }

  /** In a row, while the last of them was the stream's own. */
  ownFailures(stream: string): number {
    const failing = this.#failing.get(stream);
    return failing && !failing.isTransient ? failing.failures : 0;
  }

  /** @returns the streams whose wait is over; they may be read again */
  takeDue(nowMs: number): string[] {
    const due: string[] = [];
    for (const stream of this.#waiting) {
      const failing = this.#failing.get(stream);
      if (failing && failing.dueAtMs > nowMs) continue;
      this.#waiting.delete(stream);
      if (failing) failing.isWaiting = false;
      due.push(stream);
    }
    return due;
  }

  /** 0 unless everything fails. */
  pauseMs(): number {
    if (this.#transientInARow < isWidespreadAfter) return 0;
    return backoffMs(this.#transientInARow - isWidespreadAfter + 1, widespread);
  }
}
