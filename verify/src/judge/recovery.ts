import { type Operation, type Way, ways } from '../history/operation.ts';

/** How long one kind of progress paused. */
export interface Gap {
  /** A way of buying, or `events`. */
  lane: Way | 'events';
  gapMs: number;
  fromMs: number;
}

/**
 * The longest gap of each lane: between accepted answers of one way while its callers were sending, and between events that
 * came for the first time. The normal gap is the interval of sending, so what stands out is an outage and its recovery.
 */
export function findGaps(
  operations: readonly Operation[],
  eventsAtMs: readonly number[],
  sinceMs: number,
): Gap[] {
  const gaps = ways.map((way) => {
    const ofWay = operations.filter(({ startedAtMs, ...each }) => each.way === way && startedAtMs >= sinceMs);
    const answered = ofWay.flatMap(({ attempts }) =>
      attempts.filter(({ answer }) => answer.outcome !== 'unknown').map(({ answeredAtMs }) => answeredAtMs),
    );
    const first = ofWay[0]?.startedAtMs;
    return longestGap(way, first === undefined ? [] : [first, ...answered]);
  });
  const events = eventsAtMs.filter((atMs) => atMs >= sinceMs);
  return [...gaps, longestGap('events', events)].filter((gap) => gap !== undefined);
}

function longestGap(lane: Gap['lane'], timesMs: readonly number[]): Gap | undefined {
  const sorted = [...timesMs].sort((a, b) => a - b);
  let longest: Gap | undefined;
  for (const [i, fromMs] of sorted.entries()) {
    const next = sorted[i + 1];
    if (next !== undefined && next - fromMs > (longest?.gapMs ?? -1)) {
      longest = { lane, gapMs: next - fromMs, fromMs };
    }
  }
  return longest;
}

export function findSlowest(gaps: readonly Gap[]): Gap | undefined {
  return gaps.reduce<Gap | undefined>(
    (slowest, gap) => (slowest && slowest.gapMs >= gap.gapMs ? slowest : gap),
    undefined,
  );
}
