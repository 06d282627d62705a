const everyMs = 100;

/** How late this process' event loop is: by how much a timer of a tenth of a second was missed, or is being missed. */
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
