import type { StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';
import { type RawEntry, toEntry } from './stream-entries.ts';
import { type StreamGroup, streamGroup } from './stream-group.ts';

const streamsReadAgain = 100;

/**
 * Lists this consumer's pending entries with XPENDING and XRANGE: reading them as a consumer would count as
 * a delivery.
 */
export async function readAgain(
  group: StreamGroup,
  count: number,
  except: ReadonlySet<string>,
): Promise<StreamBatch[]> {
  const { again, consumer, sizes } = group;
  if (again.size === 0) return [];
  const streams = [...again.keys()].filter((stream) => !except.has(stream)).slice(0, streamsReadAgain);
  const counts = streams.map((stream) => sizes.countForOne(stream, count));
  const pendings = await group.askEach(streams, (pipeline, stream, i) =>
    pipeline.xpending(stream, streamGroup, again.get(stream) ?? '-', '+', counts[i] ?? 1, consumer),
  );
  const batches: StreamBatch[] = [];
  for (const [i, stream] of streams.entries()) {
    const pending = pendings[i];
    if (!Array.isArray(pending) || pending.length < (counts[i] ?? 1)) again.delete(stream);
    else again.set(stream, `(${pending.at(-1)[0]}`);
    if (!Array.isArray(pending) || pending.length === 0) continue;
    batches.push({ stream, entries: await readEntries(group, stream, pending), isRepeat: true });
  }
  sizes.learn(batches);
  return batches;
}

async function readEntries(group: StreamGroup, stream: string, pending: Pending[]): Promise<StreamEntry[]> {
  const pipeline = group.commands.pipeline();
  for (const [id] of pending) pipeline.xrangeBuffer(stream, id, id);
  const replies = (await group.ask(pipeline.exec())) ?? [];
  return pending.map(([id, , , deliveries], i) => {
    const [error, found] = replies[i] ?? [];
    if (error) throw error;
    const [entry] = (found ?? []) as RawEntry[];
    return toEntry(entry ?? [Buffer.from(id), null], deliveries);
  });
}

type Pending = [id: string, consumer: string, idleMs: number, deliveries: number];
