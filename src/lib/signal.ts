/** Wakes all waiting loops; with none waiting, the next `wait` returns at once. */
export class Signal {
  #rung = false;
  readonly #waiting = new Set<() => void>();

  /** An arrow, so that it can be handed out as a callback. */
  readonly notify = (): void => {
    this.#rung = this.#waiting.size === 0;
    for (const wake of this.#waiting) wake();
  };

  /** Resolves when rung, when `ms` have passed, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) {
      this.#rung = false;
      return;
    }
    await new Promise<void>((resolve) => {
      // By hand: an AbortController for each wait would cost more than the wait.
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
