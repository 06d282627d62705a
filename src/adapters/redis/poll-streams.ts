import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { refusesEverything } from './refuses-everything.ts';
import type { RawRead } from './stream-entries.ts';
import { type StreamGroup, streamGroup, streamsPerPipeline } from './stream-group.ts';

/** Between two questions: with many streams longer, so that asking takes a few percent of the node. */
const shortestPauseMs = 5;
const pauseMsPerStream = 0.2;

interface Question {
  streams: readonly string[];
  /** Entries of each stream. */
  count: number;
  blockMs: number;
}

/**
 * Reads new entries of several streams of one cluster node, and waits up to `blockMs` for the first: a blocking read may
 * name only the streams of one slot, so each stream is asked by a command of its own, again and again.
 *
 * @throws what the node refuses; never after it has handed out entries
 */
export async function pollStreams(group: StreamGroup, redis: Redis, question: Question): Promise<RawRead> {
  const { streams, blockMs } = question;
  const pauseMs = Math.max(shortestPauseMs, streams.length * pauseMsPerStream);
  const endsAtMs = performance.now() + blockMs;
  for (;;) {
    const found: NonNullable<RawRead> = [];
    for (let from = 0; from < streams.length; from += streamsPerPipeline) {
      const some = streams.slice(from, from + streamsPerPipeline);
      found.push(...(await readSome(group, redis, some, question.count, found.length > 0)));
    }
    if (found.length > 0) return found;
    const leftMs = endsAtMs - performance.now();
    if (leftMs <= 0) return null;
    await delay(Math.min(pauseMs, leftMs));
  }
}

async function readSome(
  group: StreamGroup,
  redis: Redis,
  streams: readonly string[],
  count: number,
  hasFound: boolean,
): Promise<NonNullable<RawRead>> {
  const pipeline = redis.pipeline();
  for (const stream of streams) {
    const args = ['GROUP', streamGroup, group.consumer, 'COUNT', count, 'STREAMS', stream, '>'];
    pipeline.callBuffer('XREADGROUP', ...args);
  }
  const asked = withDeadline(redis, answerDeadlineMs, pipeline.exec());
  const replies = (hasFound ? await asked.catch(() => null) : await asked) ?? [];
  const found: NonNullable<RawRead> = [];
  const refused: string[] = [];
  let failure: Error | undefined;
  replies.forEach(([error, reply], i) => {
    const stream = streams[i] as string;
    if (!error) {
      if (reply) found.push(...(reply as NonNullable<RawRead>));
    } else if (refusesEverything(error)) failure = error;
    else refused.push(stream);
  });
  // A second read of each finds the cause; what was found must neither wait for it nor be lost.
  if (refused.length > 0) await group.repair(refused).catch(() => {});
  if (failure && found.length === 0 && !hasFound) throw failure;
  return found;
}
