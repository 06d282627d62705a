import { make } from '../element.ts';
import { formatDuration, formatTime, formatUtc } from '../format.ts';
import { say } from '../language.ts';

/** A moment in local time, in UTC under the pointer. */
export function makeMoment(iso: string, isDateShown = true): HTMLElement {
  const at = new Date(iso);
  return make('time', { datetime: iso, title: formatUtc(at) }, formatTime(at, isDateShown));
}

/** How long ago, with the moment itself under the pointer. */
export function makeAge(iso: string, nowMs = Date.now()): HTMLElement {
  const at = new Date(iso);
  const age = say('time.ago', { duration: formatDuration(Math.max(0, nowMs - at.getTime())) });
  return make('time', { datetime: iso, title: formatUtc(at) }, age);
}
