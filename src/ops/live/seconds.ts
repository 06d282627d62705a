export type Measure = 'purchases' | 'instances' | 'failed';

export interface SecondCount {
  /** Since 1970. */
  second: number;
  source: string;
  measure: Measure;
  count: number;
}

/** How many publications there had been, ever, at the last mark of a second. */
export interface PublishedMark {
  second: number;
  published: number;
}

export type SourceSeries = { source: string } & Record<Measure, number[]>;

/** Beyond so many sources the smallest are shown as one. */
const sourcesShown = 20;
/** No source is called so. */
export const otherSources = '*';

/** What each of the last seconds saw. The youngest are counted again and again, until nothing can be added to them. */
export class Seconds {
  readonly #counts = new Map<number, SecondCount[]>();
  readonly #published = new Map<number, number>();

  /** All that is known of `from` and later, instead of what was. Marks may also lie before. */
  replace(from: number, counts: readonly SecondCount[], marks: readonly PublishedMark[]): void {
    for (const map of [this.#counts, this.#published]) {
      for (const second of map.keys()) if (second >= from) map.delete(second);
    }
    for (const count of counts) {
      const others = this.#counts.get(count.second);
      if (others) others.push(count);
      else this.#counts.set(count.second, [count]);
    }
    for (const { second, published } of marks) this.#published.set(second, published);
  }

  forgetBefore(from: number): void {
    for (const second of this.#counts.keys()) if (second < from) this.#counts.delete(second);
    // The next mark counts from the newest one before it.
    const old = [...this.#published.keys()].filter((second) => second < from).sort((a, b) => a - b);
    for (const second of old.slice(0, -1)) this.#published.delete(second);
  }

  /** By source, the largest first, `length` seconds of each. */
  series(from: number, length: number): SourceSeries[] {
    const all = new Map<string, SourceSeries>();
    for (let index = 0; index < length; index++) {
      for (const { source, measure, count } of this.#counts.get(from + index) ?? []) {
        const found = all.get(source) ?? emptySeries(source, length);
        all.set(source, found);
        found[measure][index] = (found[measure][index] ?? 0) + count;
      }
    }
    const sorted = [...all.values()].sort((a, b) => sizeOf(b) - sizeOf(a) || (a.source < b.source ? -1 : 1));
    if (sorted.length <= sourcesShown) return sorted;
    const others = sorted.slice(sourcesShown - 1);
    return [...sorted.slice(0, sourcesShown - 1), addUp(others, length)];
  }

  /** What was published in each second: null before the first mark, 0 where nothing left one. */
  events(from: number, length: number): (number | null)[] {
    let before: number | undefined;
    for (const second of [...this.#published.keys()].sort((a, b) => a - b)) {
      if (second < from) before = this.#published.get(second);
    }
    return Array.from({ length }, (_, index) => {
      const known = before;
      before = this.#published.get(from + index) ?? before;
      return known === undefined || before === undefined ? null : Math.max(0, before - known);
    });
  }
}

function emptySeries(source: string, length: number): SourceSeries {
  const zeros = () => new Array<number>(length).fill(0);
  return { source, purchases: zeros(), instances: zeros(), failed: zeros() };
}

function sizeOf({ purchases, instances, failed }: SourceSeries): number {
  return [purchases, instances, failed].reduce((sum, counts) => sum + sumOf(counts), 0);
}

export function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function addUp(all: readonly SourceSeries[], length: number): SourceSeries {
  const total = emptySeries(otherSources, length);
  for (const measure of ['purchases', 'instances', 'failed'] as const) {
    total[measure] = total[measure].map((_, index) =>
      sumOf(all.map((series) => series[measure][index] ?? 0)),
    );
  }
  return total;
}
