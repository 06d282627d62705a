import type { StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';
import { type RawRead, toBatches } from './stream-entries.ts';
import { type StreamGroup, streamGroup } from './stream-group.ts';

const streamsReadOn = 32;

/** A stream that returned as many entries as were requested has more, and their size is known by now. */
export async function readOn(
  group: StreamGroup,
  batches: StreamBatch[],
  asked: number,
  limit: number,
): Promise<StreamBatch[]> {
  let full = batches.filter(({ entries }) => entries.length === asked);
  if (asked >= limit || batches.length > streamsReadOn) return batches;
  while (full.length > 0) {
    const counts = full.map(({ entries }) => group.sizes.countForMore(entries, limit));
    const more = full.filter((_, i) => (counts[i] ?? 0) > 0);
    const wanted = counts.filter((count) => count > 0);
    if (more.length === 0) break;
    const replies = await readAtOnce(group, more, wanted);
    full = more.filter((batch, i) => {
      const entries = replies[i] ?? [];
      batch.entries.push(...entries);
      return entries.length === wanted[i];
    });
  }
  return batches;
}

/** Does not block and does not fail: entries that were read before must not be lost. */
export async function readAtOnce(
  group: StreamGroup,
  batches: readonly Pick<StreamBatch, 'stream'>[],
  counts: readonly number[],
): Promise<StreamEntry[][]> {
  try {
    const pipeline = group.commands.pipeline();
    batches.forEach(({ stream }, i) => {
      const args = ['GROUP', streamGroup, group.consumer, 'COUNT', counts[i] ?? 1, 'STREAMS'];
      pipeline.callBuffer('XREADGROUP', ...args, stream, '>');
    });
    const replies = (await group.ask(pipeline.exec())) ?? [];
    return replies.map(([error, reply]) => (error ? [] : (toBatches(reply as RawRead)[0]?.entries ?? [])));
  } catch {
    for (const { stream } of batches) group.readAgainFromStart(stream);
    return [];
  }
}
