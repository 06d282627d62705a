import { type BackoffOptions, backoffMs, pause } from './backoff.ts';
import { pauseBeforeRetry } from './recovery.ts';

interface RepeatOptions {
  everyMs: number;
  /** Delays after failures. */
  retry: BackoffOptions;
  onFailure: (error: unknown, attempt: number) => void;
}

/** Runs `work` and repeats it after `everyMs` until stopped; after failures the delay grows. */
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

/** Retries transient failures, with at most `maxAttempts` attempts, then throws the last error. */
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
