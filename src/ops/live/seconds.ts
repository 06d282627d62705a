export type Measure = 'purchases' | 'instances' | 'failed';

export interface SecondCount {
  /** Seconds since 1970. */
  second: number;
  source: string;
  measure: Measure;
  count: number;
}

/** Total publications at the last mark of a second. */
export interface PublishedMark {
  second: number;
  published: number;
}

export type SourceSeries = { source: string } & Record<Measure, number[]>;

/** Above this number the smallest sources are merged into one. */
const sourcesShown = 20;
/** Not a valid source name. */
export const otherSources = '*';

/** Counts per second. The most recent seconds are recounted until they are final. */
export class Seconds {
  readonly #counts = new Map<number, SecondCount[]>();
  readonly #published = new Map<number, number>();

  /** Replaces all counts from `from` on. Marks may also precede it. */
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
    // The newest older mark is kept: the next difference starts there.
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

  /** Publications per second: null before the first mark, 0 for a second without a mark. */
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
