/** Ends all waits; if there are none, the next `wait` returns immediately. */
export class Signal {
  #isPending = false;
  readonly #waiting = new Set<() => void>();

  /** An arrow function, so that it can be passed as a callback. */
  readonly notify = (): void => {
    this.#isPending = this.#waiting.size === 0;
    for (const wake of this.#waiting) wake();
  };

  /** Resolves at the next signal, after `ms`, or when `signal` aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isPending || signal.aborted) {
      this.#isPending = false;
      return;
    }
    await new Promise<void>((resolve) => {
      // Without an AbortController per wait, which would cost more than the wait.
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

/** For calls after which a waiting loop may have work, such as the relay after a commit. */
export function notifyAfter(signal: Signal) {
  return <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const answer = await call(...args);
      signal.notify();
      return answer;
    };
}
