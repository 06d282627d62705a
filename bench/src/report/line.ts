import type { CpuPerItem } from '../machine/processes.ts';

export type Unit = '/s' | 'ms' | 'µs' | 'MiB' | 'bytes' | 'rows' | 'bytes each' | 'µs each';

/** One round of one line. */
export interface Sample {
  readonly value: number;
  readonly cpuMicrosPerItem?: CpuPerItem;
  /** Other figures of this round: percentiles, WAL bytes, windows. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Line {
  readonly name: string;
  readonly unit: Unit;
  readonly samples: readonly Sample[];
  /** The tuning, or what the figure excludes. */
  readonly note?: string;
}

export interface Summary {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The sample in the middle; of an even number the lower of the two. */
export function medianSample({ samples }: Line): Sample {
  const sorted = [...samples].sort((a, b) => a.value - b.value);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('a line without samples has no median');
  return middle;
}

export function summarize(line: Line): Summary {
  const values = line.samples.map(({ value }) => value);
  return { median: medianSample(line).value, least: Math.min(...values), most: Math.max(...values) };
}

/** The median of any figures; of an even number the lower of the two. */
export function medianNumber(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
