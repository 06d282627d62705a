import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { HttpConnection } from '../load/http-connection.ts';

export interface Schedule {
  readonly perSecond: number;
  readonly count: number;
}

/** When the nth request was due, in ms from the start. */
export function dueMs({ perSecond }: Schedule, nth: number): number {
  return (nth * 1000) / perSecond;
}

/**
 * Sends each request when it is due, regardless of earlier ones; without a free connection it waits for one.
 * Its latency counts from when it was due, so a server that stalls for a second affects every request of that
 * second. Resolves when the last one is answered.
 */
export async function sendOpenLoop(
  connections: readonly HttpConnection[],
  schedule: Schedule,
  startedAt: number,
  send: (connection: HttpConnection, nth: number) => Promise<void>,
): Promise<void> {
  const free = [...connections];
  const waiting: number[] = [];
  const running = new Set<Promise<void>>();
  const sendNext = (nth: number, connection: HttpConnection) => {
    const sending = send(connection, nth).then(() => {
      running.delete(sending);
      const next = waiting.shift();
      if (next === undefined) free.push(connection);
      else sendNext(next, connection);
    });
    running.add(sending);
  };
  for (let nth = 0; nth < schedule.count; nth++) {
    const earlyMs = startedAt + dueMs(schedule, nth) - performance.now();
    if (earlyMs >= 1) await sleep(earlyMs);
    else if (nth % 32 === 0) await nextTurn();
    const connection = free.pop();
    if (connection === undefined) waiting.push(nth);
    else sendNext(nth, connection);
  }
  while (running.size > 0) await Promise.race(running);
}
