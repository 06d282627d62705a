import { setTimeout as sleep } from 'node:timers/promises';
import type { Alternative, Running } from './alternative.ts';
import { type Entry, streamGroup, type World } from './world.ts';

/** How far reading may be ahead of confirms; the rest is processed on the clock as well. */
const mostAhead = 8_000;
const stalledAfterMs = 30_000;

export interface AlternativeReport {
  readonly purchases: number;
  readonly seconds: number;
}

/** Reads the stream until it is empty or the time is over; resolves when everything accepted is confirmed. */
export async function runAlternative(
  world: World,
  alternative: Alternative,
  running: Running,
  countDone: () => number,
): Promise<AlternativeReport> {
  const { order } = world;
  const { entries: atATime, inFlight } = alternative.read(order.concurrency);
  let accepted = 0;
  const startedAt = performance.now();
  const isOver = () => performance.now() - startedAt > order.seconds * 1000;
  const readUntilOver = async () => {
    while (!isOver()) {
      if (accepted - countDone() > mostAhead) {
        await sleep(2);
        continue;
      }
      const entries = await readEntries(world, atATime);
      if (entries.length === 0) return;
      accepted += entries.length;
      await running.accept(entries);
      await world.redis.xack(order.streamKey, streamGroup, ...entries.map(({ streamId }) => streamId));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, readUntilOver));
  let progressAt = performance.now();
  for (let seen = countDone(); seen < accepted; ) {
    await sleep(1);
    if (countDone() > seen) progressAt = performance.now();
    seen = countDone();
    if (performance.now() - progressAt > stalledAfterMs) {
      throw new Error(
        `nothing moved for ${stalledAfterMs / 1000} s at ${seen} of ${accepted} accepted entries`,
      );
    }
  }
  return { purchases: accepted, seconds: (performance.now() - startedAt) / 1000 };
}

async function readEntries({ redis, order }: World, count: number): Promise<Entry[]> {
  const { streamKey } = order;
  const reply = await redis.xreadgroup(
    'GROUP',
    streamGroup,
    'one',
    'COUNT',
    count,
    'STREAMS',
    streamKey,
    '>',
  );
  const streams = (reply ?? []) as [string, [string, string[]][]][];
  return (streams[0]?.[1] ?? []).map(([streamId, fields]) => ({
    streamId,
    userId: fields[fields.indexOf('uid') + 1] ?? '0',
  }));
}
