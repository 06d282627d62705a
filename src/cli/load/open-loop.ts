import type { Clock } from '../../lib/clock.ts';

interface OpenLoop {
  /** When each request is due, in ms from the start. */
  arrivals: Iterable<number>;
  maxInFlight: number;
  /**
   * Starts a request and resolves with its end; must not reject. `plannedMs`: when it was due, by the clock.
   */
  start: (nth: number, plannedMs: number) => Promise<void>;
  /** A request was due while `maxInFlight` were in flight. */
  onDropped: (nth: number) => void;
  /** Ends the arrivals. */
  signal: AbortSignal;
  clock: Pick<Clock, 'monotonicMs'>;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Overdue arrivals in a row, such as after a pause of this process, yield to answers in between; otherwise
 * many would be dropped.
 */
const mostInARow = 100;

/**
 * Starts each request when it is due, however slow the answers are: users do not wait for the answers of
 * others. Requests due while too many are in flight are dropped, not delayed, so that the load stays as
 * planned.
 *
 * @returns the requests in flight at the end
 */
export async function runOpenLoop(loop: OpenLoop): Promise<ReadonlySet<Promise<void>>> {
  const { clock, maxInFlight, signal } = loop;
  const inFlight = new Set<Promise<void>>();
  const startedMs = clock.monotonicMs();
  let nth = 0;
  for (const dueMs of loop.arrivals) {
    const plannedMs = startedMs + dueMs;
    for (let leftMs = dueMs; !signal.aborted; ) {
      leftMs = plannedMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      await loop.wait(leftMs, signal);
    }
    if (signal.aborted) break;
    if (nth % mostInARow === mostInARow - 1) await new Promise(setImmediate);
    if (inFlight.size >= maxInFlight) loop.onDropped(nth);
    else {
      const one: Promise<void> = loop.start(nth, plannedMs).finally(() => inFlight.delete(one));
      inFlight.add(one);
    }
    nth++;
  }
  return inFlight;
}
