import type { Now } from '../answers.ts';
import { apiUrl, get, Problem } from '../api.ts';
import { reportAlive, reportLost } from '../connection.ts';
import { pause } from './pause.ts';

interface Follower {
  /** A long window first, and again after each gap; then a few seconds at a time. */
  onNow: (now: Now) => void;
  onFailure: (error: unknown) => void;
}

const wholeWindowSeconds = 900;
const silenceMs = 5_000;
const firstPauseMs = 500;
const maxPauseMs = 10_000;

/**
 * Follows the server's second-by-second report until `signal` aborts. Whatever ends the stream, silence included, is
 * answered by beginning again, and so is a problem that has passed: nothing is missing from the book for longer than it was
 * unknown. A hidden page listens to nothing.
 */
export async function followNow({ onNow, onFailure }: Follower, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    await untilVisible(signal);
    try {
      onNow(await get<Now>('now', { seconds: wholeWindowSeconds }, signal));
      const onHeard = (now: Now) => {
        failures = 0;
        onNow(now);
      };
      await listen({ onNow: onHeard, onFailure }, signal);
    } catch (error) {
      if (!signal.aborted) onFailure(error);
    }
    await pause(Math.min(maxPauseMs, firstPauseMs * 2 ** failures++), signal);
  }
}

/** Resolves when the stream has ended or fallen silent, has told what it could not tell before, or the page is hidden. */
function listen({ onNow, onFailure }: Follower, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const source = new EventSource(apiUrl('now/stream'));
    const stop = new AbortController();
    const end = () => {
      source.close();
      clearTimeout(silence);
      stop.abort();
      resolve();
    };
    const lose = () => {
      reportLost();
      end();
    };
    let silence = setTimeout(lose, silenceMs);
    const hear = (kind: string, listener: (data: string) => void) =>
      source.addEventListener(kind, (event) => {
        clearTimeout(silence);
        silence = setTimeout(lose, silenceMs);
        reportAlive();
        listener((event as MessageEvent<string>).data);
      });
    let hasMissed = false;
    hear('now', (data) => {
      onNow(JSON.parse(data));
      // It tells ten seconds, and a problem may have lasted longer.
      if (hasMissed) end();
    });
    // The server is there, and a store of it is not.
    hear('problem', (data) => {
      hasMissed = true;
      onFailure(new Problem(503, JSON.parse(data)));
    });
    // A refused stream (401, too many listeners) is no lost server: the next GET finds out which.
    source.addEventListener('error', end);
    signal.addEventListener('abort', end, { signal: stop.signal });
    document.addEventListener('visibilitychange', () => document.hidden && end(), { signal: stop.signal });
  });
}

function untilVisible(signal: AbortSignal): Promise<void> {
  if (!document.hidden || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = new AbortController();
    const end = () => {
      stop.abort();
      resolve();
    };
    signal.addEventListener('abort', end, { signal: stop.signal });
    document.addEventListener('visibilitychange', end, { signal: stop.signal });
  });
}
