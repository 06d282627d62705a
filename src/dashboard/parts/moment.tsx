import { formatDuration, formatTime, formatUtc, formatZone } from '../format.ts';
import { say } from '../language.ts';

interface MomentProps {
  iso: string;
  isExact?: boolean;
}

/** A moment in local time; under the pointer how long ago, to the millisecond with its zone, and in UTC. */
export function Moment({ iso, isExact = false }: MomentProps) {
  const at = new Date(iso);
  return (
    <time dateTime={iso} title={`${sayDistance(at)} · ${describeExactly(at)}`}>
      {formatTime(at, { isExact })}
    </time>
  );
}

/** How long ago, with the moment itself under the pointer. */
export function Age({ iso, nowMs = Date.now() }: { iso: string; nowMs?: number }) {
  const at = new Date(iso);
  return (
    <time dateTime={iso} title={describeExactly(at)}>
      {sayDistance(at, nowMs)}
    </time>
  );
}

export function sayDistance(at: Date, nowMs = Date.now()): string {
  const ms = at.getTime() - nowMs;
  return ms > 1_000
    ? say('time.in', { duration: formatDuration(ms) })
    : say('time.ago', { duration: formatDuration(Math.max(0, -ms)) });
}

function describeExactly(at: Date): string {
  return `${formatTime(at, { isExact: true })} ${formatZone(at)} = ${formatUtc(at)}`;
}
