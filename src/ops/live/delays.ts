/** The number of results settled in one second with about the same delay. */
export interface DelayCount {
  second: number;
  /** Logarithmic: see toDelayMs(). */
  bucket: number;
  /** Fractional: each sampled delay represents several results. */
  results: number;
}

export interface DelayFigures {
  /** Results settled in the window. */
  count: number;
  p50Ms: number;
  p99Ms: number;
}

/** Twenty buckets per factor of e: a bucket's middle is within 2.5 % of every value in it. */
export const bucketsPerFactor = 20;

function toDelayMs(bucket: number): number {
  return Math.round(Math.exp(bucket / bucketsPerFactor));
}

/** Delays between the purchase's commit and the result's, over the last seconds. */
export class Delays {
  #counts: DelayCount[] = [];

  replace(from: number, counts: readonly DelayCount[]): void {
    this.#counts = [...this.#counts.filter(({ second }) => second < from), ...counts];
  }

  forgetBefore(from: number): void {
    this.#counts = this.#counts.filter(({ second }) => second >= from);
  }

  /** @returns undefined when nothing was settled from `from` on */
  figures(from: number, to: number): DelayFigures | undefined {
    const counts = this.#counts.filter(({ second }) => second >= from && second < to);
    const total = counts.reduce((sum, { results }) => sum + results, 0);
    if (total === 0) return undefined;
    counts.sort((a, b) => a.bucket - b.bucket);
    const delayOf = (share: number) => {
      let seen = 0;
      const found = counts.find(({ results }) => {
        seen += results;
        return seen >= total * share - 1e-9;
      });
      return toDelayMs(found?.bucket ?? 0);
    };
    return { count: Math.round(total), p50Ms: delayOf(0.5), p99Ms: delayOf(0.99) };
  }
}
