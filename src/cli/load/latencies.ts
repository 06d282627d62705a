import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Three digits of each value: the error is at most 0.1 %. */
const options = { lowest: 1, highest: 24 * 3_600_000_000, figures: 3 };

export interface LatencySummary {
  count: number;
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  p999Ms: number;
  maxMs: number;
}

/**
 * Node's own HdrHistogram, in ms and for any number of values; `hdr-histogram-js` would bring three packages
 * for the same.
 */
export class Latencies {
  readonly #micros: RecordableHistogram = createHistogram(options);

  add(ms: number): void {
    this.#micros.record(Math.min(options.highest, Math.max(1, Math.round(ms * 1000))));
  }

  get count(): number {
    return this.#micros.count;
  }

  /** undefined: nothing was measured. `percent` 100 is the maximum. */
  at(percent: number): number | undefined {
    if (this.count === 0) return undefined;
    return (percent === 100 ? this.#micros.max : this.#micros.percentile(percent)) / 1000;
  }

  summarize(): LatencySummary | undefined {
    if (this.count === 0) return undefined;
    const at = (percent: number) => this.at(percent) as number;
    return {
      count: this.count,
      p50Ms: at(50),
      p90Ms: at(90),
      p99Ms: at(99),
      p999Ms: at(99.9),
      maxMs: at(100),
    };
  }

  clear(): void {
    this.#micros.reset();
  }
}
