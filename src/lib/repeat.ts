import { type BackoffOptions, backoffMs, pause } from './backoff.ts';
import { pauseBeforeRetry } from './recovery.ts';

export interface RepeatOptions {
  everyMs: number;
  /** Between tries after a failure. */
  retry: BackoffOptions;
  onFailure: (error: unknown, attempt: number) => void;
}

/** Runs `work`, waits, and runs it again until stopped; a failure waits longer each time and stops nothing. */
export async function repeatEvery(
  { everyMs, retry, onFailure }: RepeatOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await work(signal);
      failures = 0;
      await pause(everyMs, signal);
    } catch (error) {
      onFailure(error, ++failures);
      await pauseBeforeRetry(backoffMs(failures, retry), signal);
    }
  }
}

/** Retries transient failures, `maxAttempts` times at most, then throws the last one. */
export async function retryTransient<T>(
  work: () => Promise<T>,
  isTransient: (error: unknown) => boolean,
  { maxAttempts = 3, retry = { firstMs: 20, maxMs: 200 } } = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === maxAttempts || !isTransient(error)) throw error;
      await pause(backoffMs(attempt, retry));
    }
  }
}
