import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '../format.ts';
import { say } from '../language.ts';

/** Until a deadline, second by second; a reader who hears it gets the deadline itself. */
export function Countdown({ until }: { until: string }) {
  const [nowMs, setNow] = useState(Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(ticking);
  }, []);
  const leftMs = Date.parse(until) - nowMs;
  return (
    <time dateTime={until} title={until}>
      {leftMs > 0 ? say('time.in', { duration: formatDuration(leftMs) }) : say('order.overdue')}
    </time>
  );
}
