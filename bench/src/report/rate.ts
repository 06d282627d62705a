interface Rated {
  readonly perSecond: number;
}

export function ratePerSecond(items: number, seconds: number): number {
  return Math.round(items / seconds);
}

export function formatRate(perSecond: number): string {
  return `${perSecond.toLocaleString('en-US')}/s`;
}

/** Throws when there is none. */
export function bestOf<Run extends Rated>(runs: readonly Run[]): Run {
  return runs.reduce((best, run) => (run.perSecond > best.perSecond ? run : best));
}

/** The middle one; of an even number the slower of the two. Throws when there is none. */
export function medianOf<Run extends Rated>(runs: readonly Run[]): Run {
  const sorted = [...runs].sort((a, b) => a.perSecond - b.perSecond);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (median === undefined) throw new Error('no run to take the median of');
  return median;
}
