/** A `ConcurrencyLimit` for each key. A key without running calls takes no memory. */
export class KeyedConcurrencyLimit<Key> {
  readonly #max: number;
  readonly #refuse: (key: Key) => Error;
  readonly #running = new Map<Key, number>();

  constructor(max: number, refuse: (key: Key) => Error) {
    this.#max = max;
    this.#refuse = refuse;
  }

  async run<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key) ?? 0;
    if (running >= this.#max) throw this.#refuse(key);
    this.#running.set(key, running + 1);
    try {
      return await work();
    } finally {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left > 0) this.#running.set(key, left);
      else this.#running.delete(key);
    }
  }
}
