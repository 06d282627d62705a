import type { Now, NowRest } from '../../api/answers.ts';
import { apiUrl, get, Problem } from '../api.ts';
import { reportAlive, reportLost } from '../connection.ts';
import { pause } from './pause.ts';
import { status } from './status.ts';

interface Follower {
  /** A long window first, and again after each gap; then a few seconds at a time. */
  onNow?: (now: Now) => void;
  onFailure?: (error: unknown) => void;
  /** Of the long window. 1: only the present is wanted, so the stream is enough while it works. */
  windowSeconds?: number;
}

const wholeWindowSeconds = 900;
const silenceMs = 5_000;
const firstPauseMs = 500;
const maxPauseMs = 10_000;

/**
 * Follows the server's second-by-second report until `signal` aborts. Whatever ends the stream, silence included, is
 * answered by beginning again, and so is a problem that has passed: nothing is missing from the book for longer than it was
 * unknown. A hidden page listens to nothing. What is reported is also the status that every view shows.
 */
export async function followNow(
  { onNow, onFailure, windowSeconds = wholeWindowSeconds }: Follower,
  signal: AbortSignal,
): Promise<void> {
  const show = (now: Now) => {
    status.value = now;
    onNow?.(now);
  };
  const fail = (error: unknown) => {
    status.value = findRest(error);
    onFailure?.(error);
  };
  let failures = 0;
  while (!signal.aborted) {
    await untilVisible(signal);
    try {
      // The stream does not say why it failed; this answer does.
      if (windowSeconds > 1 || failures > 0) {
        show(await get<Now>('now', { seconds: windowSeconds }, signal));
      }
      const onHeard = (now: Now) => {
        failures = 0;
        show(now);
      };
      await listen({ onNow: onHeard, onFailure: fail }, signal);
    } catch (error) {
      if (!signal.aborted) fail(error);
    }
    await pause(Math.min(maxPauseMs, firstPauseMs * 2 ** failures++), signal);
  }
}

/** Resolves when the stream has ended or fallen silent, has sent what was missing before, or the page is hidden. */
function listen(
  { onNow, onFailure }: Required<Pick<Follower, 'onNow' | 'onFailure'>>,
  signal: AbortSignal,
): Promise<void> {
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
      // It holds ten seconds, and a problem may have taken longer.
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

/** A server that lacks its database still reports its other stores. */
export function findRest(error: unknown): NowRest | undefined {
  return error instanceof Problem && 'stores' in error.body ? (error.body as NowRest) : undefined;
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
