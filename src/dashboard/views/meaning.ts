import { sayCode } from '../language.ts';

/** Of the reason of a parked item, in the reader's language where it is known, else what the server wrote down. */
export function meaningOf(reason: string, detail: string): string {
  const meaning = sayCode('reason', reason);
  return meaning === reason ? detail : meaning;
}
