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
  /** Each with a value for every step. */
  series: Series[];
}

/** Where a value is drawn between 0 and `top`, and where the lines of the grid are. */
export interface Scale {
  isLogarithmic: boolean;
  top: number;
  splits: number[];
  placeOf: (value: number) => number;
  valueAt: (place: number) => number;
}

/** So many times the usual: then a linear scale would show the burst alone. */
const burst = 10;

/** The smallest of 1, 2, 4, 6, 8, 10, 20 … at or above the most that is drawn, for an axis whose halves are whole. */
export function roundUp(most: number): number {
  if (most <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [1, 2, 4, 6, 8, 10].find((candidate) => candidate * power >= most) ?? 10;
  return step * power;
}

/** Linear, or logarithmic from 0 on (asinh) where one burst would flatten all the rest. */
export function scaleFor(series: readonly Series[], isStacked: boolean): Scale {
  const drawn = isStacked ? stack(series).slice(-1) : series.map(({ values }) => values);
  const values = drawn
    .flat()
    .filter((value) => value > 0)
    .sort((a, b) => a - b);
  const most = roundUp(values.at(-1) ?? 0);
  const usual = values[(values.length - 1) >> 1] ?? 0;
  if (isStacked || most < 100 || most <= burst * usual) {
    const same = (value: number) => value;
    return { isLogarithmic: false, top: most, splits: [0, most / 2, most], placeOf: same, valueAt: same };
  }
  const powers = Array.from({ length: Math.floor(Math.log10(most)) + 1 }, (_, i) => 10 ** i);
  const splits = [0, ...powers].map(Math.asinh);
  return {
    isLogarithmic: true,
    top: Math.asinh(most),
    splits,
    placeOf: Math.asinh,
    valueAt: (place) => Math.round(Math.sinh(place)),
  };
}

/** As they are drawn: null is a gap; stacked, the widest sum comes first and the others cover it. */
export function placeValues(
  series: readonly Series[],
  scale: Scale,
  isStacked: boolean,
): (number | null)[][] {
  const drawn = isStacked ? stack(series).reverse() : series.map(({ values }) => values);
  return drawn.map((values) => values.map((value) => (Number.isFinite(value) ? scale.placeOf(value) : null)));
}

/** Running sums: the top of each series lies on the top of the one before. */
function stack(series: readonly Series[]): number[][] {
  let below: number[] = [];
  return series.map(({ values }) => {
    below = values.map((value, i) => value + (below[i] ?? 0));
    return below;
  });
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
