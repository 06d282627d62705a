const everyMs = 100;

/**
 * How late the event loop is: by how many milliseconds its last timer of 100 ms was late, or the next one
 * already is. Without the second part, the first requests behind a blocked loop would not see the block.
 */
export class LoopLag {
  #lastMs = performance.now();
  #latestMs = 0;
  readonly #timer = setInterval(() => this.#note(), everyMs);

  constructor() {
    this.#timer.unref();
  }

  get lateMs(): number {
    return Math.max(this.#latestMs, performance.now() - this.#lastMs - everyMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #note(): void {
    const now = performance.now();
    this.#latestMs = now - this.#lastMs - everyMs;
    this.#lastMs = now;
  }
}
