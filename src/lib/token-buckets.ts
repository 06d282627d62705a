export interface BucketOptions {
  /** Tokens added each second; 0: no limit. */
  perSecond: number;
  /** Tokens of a full bucket. */
  burst: number;
  /** Buckets remembered, about; beyond it the longest unused ones are forgotten. 200,000 by default. */
  maxKeys?: number;
}

/**
 * A token bucket for each key, kept as one number: when it will be full again (the generic cell rate algorithm, ITU-T
 * I.371). A bucket that was not used for as long as one takes to fill is forgotten. There are two generations of buckets,
 * so none is ever searched.
 *
 * A flood of keys makes some be forgotten earlier, and gives them no tokens back: for as long as those could still be short
 * of tokens, an unknown key has one token and no burst.
 */
export class TokenBuckets {
  readonly #intervalMs: number;
  readonly #fillMs: number;
  readonly #maxKeys: number;
  readonly #nowMs: () => number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turnAtMs: number;
  /** Until then a key that is not remembered may have been forgotten before it was full. */
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

  /** Takes a token. @returns 0, or without one in how many milliseconds there will be one */
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
