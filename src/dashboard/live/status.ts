import { signal } from '@preact/signals';
import type { Now, NowRest } from '../../api/answers.ts';

/** What the server reported last. With the database unavailable that is a NowRest; undefined: nothing is known. */
export type Status = Now | NowRest | undefined;

export const status = signal<Status>(undefined);

/** How much waits in a place; undefined: not known at this moment. */
export function countWaiting(of: Status, place: string): number | undefined {
  return of?.waiting.find(({ what }) => what === place)?.count ?? undefined;
}
