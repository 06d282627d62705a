import { pause } from './pause.ts';

/**
 * Does the work at once and then again and again until it answers `done` or `signal` aborts. Work that fails is reported and
 * tried again: the page heals by itself.
 */
export async function poll(
  everyMs: number,
  work: () => Promise<'done' | undefined>,
  onFailure: (error: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if (!document.hidden) {
      try {
        if ((await work()) === 'done') return;
      } catch (error) {
        if (!signal.aborted) onFailure(error);
      }
    }
    await pause(everyMs, signal);
  }
}
