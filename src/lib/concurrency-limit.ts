/** Runs so much at a time at most; what comes beyond is refused at once, since a queue without a bound fills memory. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #refuse: (running: number) => Error;
  #running = 0;

  /** @param refuse makes the error that a refused caller gets */
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
