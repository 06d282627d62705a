/** A map of bounded size: a new entry takes the place of the one that was used least recently. */
export class LruMap<Key, Value> {
  readonly #maxSize: number;
  readonly #onEvict: (value: Value) => void;
  /** In order of use: a Map keeps the order of insertion. */
  readonly #entries = new Map<Key, Value>();
  #latest: { key: Key; value: Value } | undefined;

  constructor(maxSize: number, onEvict: (value: Value) => void = () => {}) {
    this.#maxSize = maxSize;
    this.#onEvict = onEvict;
  }

  get(key: Key): Value | undefined {
    // A flood asks for the same one again and again.
    if (this.#latest?.key === key) return this.#latest.value;
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    this.#latest = { key, value };
    if (this.#entries.size <= this.#maxSize) return;
    const [oldest] = this.#entries;
    if (!oldest) return;
    this.#entries.delete(oldest[0]);
    this.#onEvict(oldest[1]);
  }
}
