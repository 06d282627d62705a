import { pause } from './backoff.ts';

/**
 * Ends the pauses of all loops that wait before a retry when a failed store works again. A loop that had backed off to half
 * a minute would otherwise wait on.
 */
export class Recovery {
  readonly #waiting = new Set<() => void>();

  signal(): void {
    for (const end of [...this.#waiting]) end();
  }

  /** Resolves after `ms`, at the next signal, or when `signal` aborts; never rejects. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    const early = new AbortController();
    const end = () => early.abort();
    this.#waiting.add(end);
    await pause(ms, signal ? AbortSignal.any([signal, early.signal]) : early.signal);
    this.#waiting.delete(end);
  }
}

/** One for the process: the recovery of any store ends every pause. */
export const recovery = new Recovery();

/** The pause of a loop between a failure and its retry. */
export function pauseBeforeRetry(ms: number, signal?: AbortSignal): Promise<void> {
  return recovery.wait(ms, signal);
}
