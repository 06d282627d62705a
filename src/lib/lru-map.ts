interface Entry<Key, Value> {
  key: Key;
  value: Value;
  older: Entry<Key, Value> | undefined;
  newer: Entry<Key, Value> | undefined;
}

/**
 * A map of bounded size: a new entry replaces the least recently used one. A linked list keeps the order of use. The order
 * of the Map itself would do, but finding its first entry walks over removed ones: 7.7 µs an eviction with 10,000 entries
 * instead of 0.4 µs.
 */
export class LruMap<Key, Value> {
  readonly #maxSize: number;
  readonly #onEvict: (value: Value) => void;
  readonly #entries = new Map<Key, Entry<Key, Value>>();
  #oldest: Entry<Key, Value> | undefined;
  #newest: Entry<Key, Value> | undefined;

  constructor(maxSize: number, onEvict: (value: Value) => void = () => {}) {
    this.#maxSize = maxSize;
    this.#onEvict = onEvict;
  }

  get(key: Key): Value | undefined {
    // During a flood the same key is requested repeatedly.
    if (this.#newest?.key === key) return this.#newest.value;
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#remove(entry);
    this.#append(entry);
    return entry.value;
  }

  /** Does not count as a use. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** Removes the entry without `onEvict`. @returns whether there was one */
  delete(key: Key): boolean {
    const entry = this.#entries.get(key);
    if (entry) this.#remove(entry);
    return this.#entries.delete(key);
  }

  set(key: Key, value: Value): void {
    const known = this.#entries.get(key);
    if (known) this.#remove(known);
    const entry = known ?? { key, value, older: undefined, newer: undefined };
    entry.value = value;
    this.#append(entry);
    if (known) return;
    this.#entries.set(key, entry);
    const oldest = this.#oldest;
    if (this.#entries.size <= this.#maxSize || !oldest) return;
    this.#remove(oldest);
    this.#entries.delete(oldest.key);
    this.#onEvict(oldest.value);
  }

  #append(entry: Entry<Key, Value>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest) this.#newest.newer = entry;
    else this.#oldest = entry;
    this.#newest = entry;
  }

  #remove({ older, newer }: Entry<Key, Value>): void {
    if (older) older.newer = newer;
    else this.#oldest = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
  }
}
