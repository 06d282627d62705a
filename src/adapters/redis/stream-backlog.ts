import type { Redis } from 'ioredis';
import type { StreamBacklog } from '../../ops/live/backlog.ts';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { streamGroup, streamsPerPipeline } from './stream-group.ts';

/**
 * Three commands for each stream, in two round trips for many streams; a stream that was deleted meanwhile is
 * skipped.
 *
 * @throws the error of Redis when it refuses: an unknown figure must not be reported as 0
 */
export async function readStreamBacklog(redis: Redis, streams: readonly string[]): Promise<StreamBacklog> {
  const ask = <T>(reply: Promise<T>) => withDeadline(redis, answerDeadlineMs, reply);
  const [seconds, micros] = await ask(redis.time());
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  const backlog = { streams: streams.length, undelivered: 0, pending: 0, oldestAgeMs: 0 };
  const noteAge = (id: string | undefined) => {
    const ageMs = id === undefined ? 0 : nowMs - Number(id.split('-')[0]);
    backlog.oldestAgeMs = Math.max(backlog.oldestAgeMs, ageMs);
  };
  for (let from = 0; from < streams.length; from += streamsPerPipeline) {
    const part = streams.slice(from, from + streamsPerPipeline);
    const first = redis.pipeline();
    for (const stream of part) first.xinfo('GROUPS', stream).xpending(stream, streamGroup);
    const answers = readAnswers(await ask(first.exec()));
    const second = redis.pipeline();
    const groups = part.map((stream, i) => {
      const group = findGroup(answers[i * 2]);
      second.xrange(stream, `(${group?.get('last-delivered-id') ?? '0-0'}`, '+', 'COUNT', 1);
      const [pending = 0, oldest] = (answers[i * 2 + 1] ?? []) as [number?, string?];
      backlog.pending += pending;
      if (pending > 0) noteAge(oldest);
      return group;
    });
    const next = readAnswers(await ask(second.exec()));
    groups.forEach((group, i) => {
      const [entry] = (next[i] ?? []) as [id: string, fields: string[]][];
      if (!entry) return;
      noteAge(entry[0]);
      // The number is unknown before Redis 7, and in any version after an XDEL.
      backlog.undelivered += Number(group?.get('lag') ?? 1);
    });
  }
  return backlog;
}

function readAnswers(answers: [error: Error | null, answer: unknown][] | null): unknown[] {
  return (answers ?? []).map(([error, answer]) => {
    if (error && !/no such key|^NOGROUP/i.test(error.message)) throw error;
    return error ? undefined : answer;
  });
}

function findGroup(reply: unknown): Map<string, unknown> | undefined {
  if (!Array.isArray(reply)) return undefined;
  const groups = reply.map((flat: unknown[]) => {
    const pairs = new Map<string, unknown>();
    for (let i = 0; i < flat.length; i += 2) pairs.set(String(flat[i]), flat[i + 1]);
    return pairs;
  });
  return groups.find((group) => group.get('name') === streamGroup);
}
