/**
 * Runs at most `max` calls at a time and rejects further ones immediately: an unbounded queue would fill the
 * memory.
 */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #refuse: (running: number) => Error;
  #running = 0;

  /** @param refuse creates the error of a rejected call */
  constructor(max: number, refuse: (running: number) => Error) {
    this.#max = max;
    this.#refuse = refuse;
  }

  get running(): number {
    return this.#running;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#max) throw this.#refuse(this.#running);
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }
}
