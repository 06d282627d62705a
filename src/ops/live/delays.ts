/** How many of the results that were settled in one second took about so long. */
export interface DelayCount {
  second: number;
  /** Logarithmic: see toDelayMs(). */
  bucket: number;
  /** Not whole: each delay that was kept stands for several. */
  results: number;
}

export interface DelayFigures {
  /** Results settled in the time that was looked at. */
  count: number;
  p50Ms: number;
  p99Ms: number;
}

/** Twenty buckets for each factor of e: a bucket's middle is within 2.5 % of all in it. */
export const bucketsPerFactor = 20;

function toDelayMs(bucket: number): number {
  return Math.round(Math.exp(bucket / bucketsPerFactor));
}

/** From the purchase's commit to the result's, of the last seconds. */
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
