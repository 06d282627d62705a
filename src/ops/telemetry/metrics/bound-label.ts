/** No value of ours is in small letters. */
const others = 'other';

/**
 * For a label whose values callers choose: the `known` ones and the first that come, `most` in all, have series of their
 * own; later ones share one. A caller that sends a new value each time fills neither our memory nor that of Prometheus.
 */
export function boundLabel(most: number, known: readonly string[] = []): (value: string) => string {
  const seen = new Set(known);
  return (value) => {
    if (seen.has(value)) return value;
    if (seen.size >= most) return others;
    seen.add(value);
    return value;
  };
}
