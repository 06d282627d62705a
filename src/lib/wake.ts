/** A doorbell: a ring wakes all who wait, or the next who comes when nobody does. */
export class Wake {
  #rung = false;
  readonly #waiting = new Set<() => void>();

  /** An arrow, so that it can be handed out as a callback. */
  readonly ring = (): void => {
    this.#rung = this.#waiting.size === 0;
    for (const wake of this.#waiting) wake();
  };

  /** Resolves when rung, when `ms` have passed, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) {
      this.#rung = false;
      return;
    }
    const done = new AbortController();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      const wake = () => resolve();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { signal: done.signal });
      done.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
      });
    });
    done.abort();
  }
}
