import type { Now } from '../../api/answers.ts';

interface Second {
  /** NaN: not known. */
  events: number;
  bySource: Map<string, { purchases: number; instances: number; failed: number }>;
}

export interface SourceTotal {
  source: string;
  purchases: number;
  instances: number;
  failed: number;
}

export type Figure = 'purchases' | 'instances' | 'failed';

const keptSeconds = 900;

/** What happened in each of the last seconds, put together from answers that overlap. The latest answer is right. */
export class SecondBook {
  readonly #seconds = new Map<number, Second>();
  #end = 0;

  take({ from, seconds, series, events }: Now): void {
    const first = Math.floor(Date.parse(from) / 1_000);
    for (let i = 0; i < seconds; i++) {
      const bySource = new Map(
        series.map(({ source, purchases, instances, failed }) => [
          source,
          { purchases: purchases[i] ?? 0, instances: instances[i] ?? 0, failed: failed[i] ?? 0 },
        ]),
      );
      this.#seconds.set(first + i, { events: events[i] ?? Number.NaN, bySource });
    }
    this.#end = Math.max(this.#end, first + seconds);
    for (const second of this.#seconds.keys()) {
      if (second < this.#end - keptSeconds) this.#seconds.delete(second);
    }
  }

  get isEmpty(): boolean {
    return this.#seconds.size === 0;
  }

  /** Start of the first of the last `seconds`. */
  fromMs(seconds: number): number {
    return (this.#end - seconds) * 1_000;
  }

  /** Every source seen in the window, in a fixed order, with a count for each second; NaN where it is not known. */
  listBySource(figure: Figure, seconds: number): { name: string; values: number[] }[] {
    const window = this.#window(seconds);
    const names = [...new Set(window.flatMap((second) => [...(second?.bySource.keys() ?? [])]))].sort();
    return names.map((name) => ({
      name,
      values: window.map((second) => (second ? (second.bySource.get(name)?.[figure] ?? 0) : Number.NaN)),
    }));
  }

  /** Of all sources together, a count for each second; NaN where it is not known. */
  listOfAll(figure: Figure, seconds: number): number[] {
    return this.#window(seconds).map((second) =>
      second ? [...second.bySource.values()].reduce((sum, each) => sum + each[figure], 0) : Number.NaN,
    );
  }

  /** A second's worth of all sources, over those of the last `seconds` that are known; NaN when none is. */
  rateOf(figure: Figure, seconds: number): number {
    const known = this.#window(seconds).filter((second) => second !== undefined);
    const counts = known.flatMap(({ bySource }) => [...bySource.values()].map((each) => each[figure]));
    return counts.reduce((sum, count) => sum + count, 0) / known.length;
  }

  /** Of the seconds that are known. */
  countBySource(seconds: number): SourceTotal[] {
    const totals = new Map<string, SourceTotal>();
    for (const [source, counts] of this.#window(seconds).flatMap((second) => [...(second?.bySource ?? [])])) {
      const total = totals.get(source) ?? { source, purchases: 0, instances: 0, failed: 0 };
      totals.set(source, {
        source,
        purchases: total.purchases + counts.purchases,
        instances: total.instances + counts.instances,
        failed: total.failed + counts.failed,
      });
    }
    return [...totals.values()].sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  /** NaN where it is not known. */
  listEvents(seconds: number): number[] {
    return this.#window(seconds).map((second) => second?.events ?? Number.NaN);
  }

  #window(seconds: number): (Second | undefined)[] {
    return Array.from({ length: seconds }, (_, i) => this.#seconds.get(this.#end - seconds + i));
  }
}
