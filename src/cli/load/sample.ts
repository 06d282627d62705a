/** A uniform sample of up to `size` out of any number of values (algorithm R). */
export class Sample<Value> {
  readonly values: Value[] = [];
  readonly #size: number;
  readonly #random: () => number;
  #seen = 0;

  constructor(size: number, random: () => number = Math.random) {
    this.#size = size;
    this.#random = random;
  }

  get seen(): number {
    return this.#seen;
  }

  add(value: Value): void {
    this.#seen++;
    const place =
      this.values.length < this.#size ? this.values.length : Math.floor(this.#random() * this.#seen);
    if (place < this.#size) this.values[place] = value;
  }
}
