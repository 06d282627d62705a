export interface Series {
  name: string;
  /** NaN: not known, and not drawn. */
  values: number[];
  /** Drawn in the colour of failure. */
  isBad?: boolean;
}

export interface ChartData {
  fromMs: number;
  stepMs: number;
  steps: number;
  /** Each with a value for every step; drawn on top of each other in this order. */
  series: Series[];
}

/** The smallest of 1, 2, 5, 10, 20, 50 … at or above the most that is drawn, for an axis whose halves are whole. */
export function roundUp(most: number): number {
  if (most <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= most) ?? 10;
  return step * power;
}

const stepsMs = [
  1_000, 5_000, 15_000, 30_000, 60_000, 120_000, 300_000, 900_000, 1_800_000, 3_600_000, 7_200_000,
  10_800_000, 21_600_000, 43_200_000, 86_400_000, 172_800_000, 604_800_000, 2_592_000_000,
];

/** Round moments between two ends, `atMost` of them, in local time: midnight is the viewer's. */
export function placeTicks(fromMs: number, toMs: number, atMost: number): number[] {
  const span = toMs - fromMs;
  const stepMs = stepsMs.find((step) => span / step <= atMost) ?? span;
  const offsetMs = new Date(fromMs).getTimezoneOffset() * 60_000;
  const ticks: number[] = [];
  for (let at = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs; at <= toMs; at += stepMs) {
    ticks.push(at);
  }
  return ticks;
}

/** For the table next to a chart: at most `rows` steps, each the sum of as many whole steps as it takes; NaN of none that is known. */
export function sumUp(values: readonly number[], rows: number): { size: number; sums: number[] } {
  const size = Math.max(1, Math.ceil(values.length / rows));
  const sums: number[] = [];
  for (let i = 0; i < values.length; i += size) {
    sums.push(sumKnown(values.slice(i, i + size)));
  }
  return { size, sums };
}

/** NaN when not one is known. */
export function sumKnown(values: readonly number[]): number {
  const known = values.filter(Number.isFinite);
  return known.length === 0 ? Number.NaN : known.reduce((sum, value) => sum + value, 0);
}
