const windowMs = 60_000;

/** Units sold a minute, from what was seen in the last minute. */
export class SaleRate {
  readonly #seen: { atMs: number; sold: number }[] = [];

  /** @returns undefined until there are two looks to compare */
  observe(sold: number, atMs: number): number | undefined {
    this.#seen.push({ atMs, sold });
    while (this.#seen[0] && this.#seen[0].atMs < atMs - windowMs) this.#seen.shift();
    const [first] = this.#seen;
    if (!first || first.atMs === atMs) return undefined;
    // Units that were restocked count as not sold: a negative rate would mean nothing.
    return (Math.max(0, sold - first.sold) / (atMs - first.atMs)) * 60_000;
  }
}
