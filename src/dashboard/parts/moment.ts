import { make } from '../element.ts';
import { formatDuration, formatTime, formatUtc, formatZone } from '../format.ts';
import { say } from '../language.ts';

/** A moment in local time; under the pointer to the millisecond, with its zone, and in UTC. */
export function makeMoment(iso: string, isExact = false): HTMLElement {
  const at = new Date(iso);
  return make('time', { datetime: iso, title: describeExactly(at) }, formatTime(at, { isExact }));
}

/** How long ago, with the moment itself under the pointer. */
export function makeAge(iso: string, nowMs = Date.now()): HTMLElement {
  const at = new Date(iso);
  const age = say('time.ago', { duration: formatDuration(Math.max(0, nowMs - at.getTime())) });
  return make('time', { datetime: iso, title: describeExactly(at) }, age);
}

function describeExactly(at: Date): string {
  return `${formatTime(at, { isExact: true })} ${formatZone(at)} = ${formatUtc(at)}`;
}
