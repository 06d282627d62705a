import { backoffMs } from '../../lib/backoff.ts';

/** An unavailable store is retried soon; a stream with a permanent failure may wait. */
const whileStoreIsUnavailable = { firstMs: 100, maxMs: 1_000 };
const whileStreamFails = { firstMs: 100, maxMs: 60_000 };
/** Consecutive failures, of any streams, after which the whole loop slows down. */
const isWidespreadAfter = 3;
const widespread = { firstMs: 100, maxMs: 1_000 };

interface Failing {
  failures: number;
  /** true: the store failed, not the stream's content. */
  isTransient: boolean;
  dueAtMs: number;
  isWaiting: boolean;
}

/** Tracks the backoff of each stream after a failed batch; a failing stream delays no other. */
export class StreamBackoff {
  readonly #failing = new Map<string, Failing>();
  readonly #waiting = new Set<string>();
  #transientInARow = 0;

  get waiting(): ReadonlySet<string> {
    return this.#waiting;
  }

  /** @returns the stream's consecutive failures; batches in flight together count once */
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

  /** Consecutive failures, while the latest is the stream's own. */
  ownFailures(stream: string): number {
    const failing = this.#failing.get(stream);
    return failing && !failing.isTransient ? failing.failures : 0;
  }

  /** @returns the streams whose backoff is over and that may be read again */
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

  /** 0 unless failures are widespread. */
  pauseMs(): number {
    if (this.#transientInARow < isWidespreadAfter) return 0;
    return backoffMs(this.#transientInARow - isWidespreadAfter + 1, widespread);
  }
}
