import type { Now } from '../../api/answers.ts';
export const measures = ['purchases', 'instances', 'failed', 'events'] as const;
type Measure = (typeof measures)[number];

interface KnownSecond {
  /** By source; events have none. */
  counts: Map<string, Record<'purchases' | 'instances' | 'failed', number>>;
  events: number | null;
}

/** Merges the seconds of several answers; the latest answer wins. */
export class MergedSeconds {
  readonly #kept: number;
  readonly #seconds = new Map<number, KnownSecond>();
  #end = 0;

  constructor(kept: number) {
    this.#kept = kept;
  }

  add({ from, seconds, series, events }: Now): void {
    const first = Math.round(Date.parse(from) / 1000);
    for (let index = 0; index < seconds; index++) {
      const counts: KnownSecond['counts'] = new Map();
      for (const { source, purchases, instances, failed } of series) {
        const at = (values: readonly number[]) => values[index] ?? 0;
        counts.set(source, { purchases: at(purchases), instances: at(instances), failed: at(failed) });
      }
      this.#seconds.set(first + index, { counts, events: events[index] ?? null });
    }
    this.#end = Math.max(this.#end, first + seconds);
    for (const second of this.#seconds.keys()) {
      if (second < this.#end - this.#kept) this.#seconds.delete(second);
    }
  }

  /** Of all sources, or of one; oldest first, undefined where nothing is known. */
  values(measure: Measure, source?: string): (number | undefined)[] {
    return Array.from({ length: this.#kept }, (_, index) => {
      const second = this.#seconds.get(this.#end - this.#kept + index);
      if (!second) return undefined;
      if (measure === 'events') return second.events ?? undefined;
      const counts = source === undefined ? [...second.counts.values()] : [second.counts.get(source)];
      return counts.reduce((sum, count) => sum + (count?.[measure] ?? 0), 0);
    });
  }
}

/** The average per second over the last few seconds. */
export function rateOf(values: readonly (number | undefined)[], over = 5): number | undefined {
  const known = values.slice(-over).filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

const bars = '▁▂▃▄▅▆▇█';

/** One character per value, or for several when they do not fit; a gap where nothing is known. */
export function drawSparkline(values: readonly (number | undefined)[], width: number): string {
  const each = Math.max(1, Math.ceil(values.length / Math.max(1, width)));
  const points: (number | undefined)[] = [];
  for (let end = values.length; end > 0; end -= each) {
    points.unshift(rateOf(values.slice(Math.max(0, end - each), end), each));
  }
  const highest = Math.max(0, ...points.filter((point) => point !== undefined));
  return points
    .map((point) => {
      if (point === undefined) return ' ';
      return bars[highest === 0 ? 0 : Math.round((point / highest) * (bars.length - 1))];
    })
    .join('');
}
