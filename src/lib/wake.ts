/** A doorbell for one waiter: rings between two waits are remembered as one. */
export class Wake {
  #rung = false;
  #answer: (() => void) | undefined;

  /** An arrow, so that it can be handed out as a callback. */
  readonly ring = (): void => {
    this.#rung = true;
    this.#answer?.();
  };

  /** Resolves true when rung since the last wait, false when `ms` passed or `signal` aborted first. */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#rung && !signal.aborted) {
      const stopped = new AbortController();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        stopped.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
        signal.addEventListener('abort', () => resolve(), { once: true, signal: stopped.signal });
        this.#answer = resolve;
      });
      stopped.abort();
      this.#answer = undefined;
    }
    const rung = this.#rung;
    this.#rung = false;
    return rung;
  }
}
