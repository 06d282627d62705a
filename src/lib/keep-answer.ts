import { type Clock, systemClock } from './clock.ts';

interface KeepAnswerOptions {
  forMs: number;
  /** Largest share of time spent on fetching: an answer that took longer is kept longer. Default 1. */
  shareOfTime?: number;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/**
 * All callers share one answer while it is fresh or being fetched. They share an error too, but an error is
 * not cached.
 */
export function keepAnswer<T>(
  work: () => Promise<T>,
  { forMs, shareOfTime = 1, clock = systemClock }: KeepAnswerOptions,
): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let freshUntilMs = Number.POSITIVE_INFINITY;
  const fetchIt = async (): Promise<T> => {
    const startedMs = clock.monotonicMs();
    const found = await work();
    const durationMs = clock.monotonicMs() - startedMs;
    freshUntilMs = startedMs + Math.max(forMs, durationMs / shareOfTime);
    return found;
  };
  return () => {
    if (answer && clock.monotonicMs() < freshUntilMs) return answer;
    freshUntilMs = Number.POSITIVE_INFINITY;
    const asked = fetchIt();
    answer = asked;
    asked.catch(() => {
      if (answer === asked) answer = undefined;
    });
    return asked;
  };
}
