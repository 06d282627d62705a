/** A type and not an interface, so that it is also a record of figures. */
export type Percentiles = { p50: number; p95: number; p99: number; p999: number; max: number };

/** Sorts its argument. */
export function percentilesOf(values: number[] | Float64Array): Percentiles {
  const sorted = values.sort((a: number, b: number) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: at(1) };
}
