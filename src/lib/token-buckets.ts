export interface BucketOptions {
  /** Tokens added per second; 0: unlimited. */
  perSecond: number;
  /** Tokens of a full bucket. */
  burst: number;
  /**
   * Approximate number of buckets kept; beyond it the least recently used ones are forgotten. Default
   * 200,000.
   */
  maxKeys?: number;
}

/**
 * A token bucket for each key, stored as one number: the time at which it will be full again (the generic
 * cell rate algorithm, ITU-T I.371). A bucket unused for as long as one takes to fill is forgotten. There are
 * two generations of buckets, so that no search is ever needed.
 *
 * A flood of keys evicts buckets earlier, but gives them no tokens back: for as long as an evicted bucket
 * could still be short of tokens, an unknown key has one token and no burst.
 */
export class TokenBuckets {
  readonly #intervalMs: number;
  readonly #fillMs: number;
  readonly #maxKeys: number;
  readonly #nowMs: () => number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnAtMs: number;
  /** Until then, an unknown key may have been evicted before its bucket was full. */
  #suspectUntilMs = 0;

  constructor(
    { perSecond, burst, maxKeys = 200_000 }: BucketOptions,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#intervalMs = perSecond > 0 ? 1000 / perSecond : 0;
    this.#fillMs = this.#intervalMs * burst;
    this.#maxKeys = maxKeys;
    this.#nowMs = nowMs;
    this.#turnAtMs = nowMs() + this.#fillMs;
  }

  /** Takes a token. @returns 0, or the milliseconds until there is one */
  take(key: string): number {
    if (this.#intervalMs === 0) return 0;
    const now = this.#nowMs();
    if (now >= this.#turnAtMs) this.#turn(now);
    else if (this.#young.size >= this.#maxKeys) {
      if (this.#old.size > 0) this.#suspectUntilMs = now + this.#fillMs;
      this.#turn(now);
    }
    const fullAt = Math.max(now, this.#find(key, now)) + this.#intervalMs;
    const waitMs = fullAt - this.#fillMs - now;
    // Allows for the rounding error of the clock's fraction.
    const isEmpty = waitMs > 1e-6;
    this.#young.set(key, isEmpty ? fullAt - this.#intervalMs : fullAt);
    return isEmpty ? waitMs : 0;
  }

  #find(key: string, now: number): number {
    const known = this.#young.get(key) ?? this.#old.get(key);
    if (known !== undefined) return known;
    return now < this.#suspectUntilMs ? now + this.#fillMs - this.#intervalMs : 0;
  }

  #turn(now: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnAtMs = now + this.#fillMs;
  }
}
