/** Cannot collide: Weir's values contain no lower-case letters. */
const others = 'other';

/**
 * Bounds a label whose values callers choose: the `known` values and the first others, `most` in all, have
 * their own series; later ones share one. Protects the memory of this process and of Prometheus.
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
