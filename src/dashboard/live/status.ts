import type { Now, NowRest } from '../../api/answers.ts';

/** What the server reported last. With the database unavailable that is a NowRest; undefined: nothing is known. */
export type Status = Now | NowRest | undefined;

const listeners = new Set<(status: Status) => void>();
let status: Status;

export function currentStatus(): Status {
  return status;
}

export function reportStatus(next: Status): void {
  if (next === undefined && status === undefined) return;
  status = next;
  for (const listener of listeners) listener(next);
}

export function listenToStatus(listener: (status: Status) => void): void {
  listeners.add(listener);
}

/** undefined: not known at this moment. */
export function countParked(status: Status): number | undefined {
  return status?.waiting.find(({ what }) => what === 'parked')?.count ?? undefined;
}
