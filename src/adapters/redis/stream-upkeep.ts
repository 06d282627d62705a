import type { StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';
import { bytesPerRead } from './entry-sizes.ts';
import { refusesEverything } from './refuses-everything.ts';
import { createScript } from './script.ts';
import { deleteIdleConsumers, trimFinished } from './scripts.ts';
import { type RawEntry, toEntry } from './stream-entries.ts';
import { type StreamGroup, streamGroup } from './stream-group.ts';

/** Of ten thousand streams each is handled about once a minute. */
const streamsPerTakeOver = 1_000;
const entriesPerTakeOver = 5_000;
const streamsPerTrim = 500;
const trimStepsPerStream = 50;
/** A live consumer reads every stream several times a minute. */
const deadAfterMs = 600_000;

const trim = createScript(trimFinished);
const removeIdle = createScript(deleteIdleConsumers);

/**
 * Takes over entries that were delivered at least `minIdleMs` ago to another consumer, or to this one in an
 * earlier reply. A stream whose pending entries are being read again is skipped: they may be idle as long,
 * and taking them over counts a delivery.
 */
export async function takeOver(
  group: StreamGroup,
  count: number,
  minIdleMs: number,
  except: ReadonlySet<string>,
): Promise<StreamBatch[]> {
  const streams = group.known
    .takeTurn('take over', streamsPerTakeOver)
    .filter((stream) => !except.has(stream) && !group.again.has(stream));
  const summaries = await group.askEach(streams, (pipeline, stream) =>
    pipeline.xpending(stream, streamGroup),
  );
  const batches: StreamBatch[] = [];
  const failed: string[] = [];
  let taken = 0;
  for (const [i, stream] of streams.entries()) {
    const summary = summaries[i];
    if (summary instanceof Error) failed.push(stream);
    const hasPending = Array.isArray(summary) && Number(summary[0]) > 0;
    if (!hasPending || taken >= entriesPerTakeOver) continue;
    const entries = await claim(group, stream, count, minIdleMs);
    if (entries.length > 0) batches.push({ stream, entries, isRepeat: true });
    taken += entries.length;
  }
  if (failed.length > 0) await group.repair(failed);
  group.sizes.learn(batches);
  return batches;
}

type Claimed = [cursor: Buffer, entries: (RawEntry | null)[], gone?: Buffer[]];

/** Few entries at first, more while they are small. */
async function claim(
  group: StreamGroup,
  stream: string,
  limit: number,
  minIdleMs: number,
): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  let bytes = 0;
  let cursor = '0';
  for (let count = group.sizes.countForOne(stream, limit); count > 0; ) {
    const args = [stream, streamGroup, group.consumer, minIdleMs, cursor, 'COUNT', count];
    const claiming = group.commands.callBuffer('XAUTOCLAIM', ...args);
    const [next, claimed, gone = []] = (await group.ask(claiming)) as Claimed;
    const present = claimed.filter((entry) => entry !== null);
    // Redis 7 names the entries that were trimmed or deleted while pending. Earlier versions return null for
    // them and assign them to this consumer without an id; reading our pending entries again finds it.
    if (present.length < claimed.length) group.again.set(stream, '-');
    for (const entry of present.length > 0 ? await countDeliveries(group, stream, present) : []) {
      entries.push(entry);
      bytes += entry.bytes;
    }
    for (const id of gone) entries.push({ id: id.toString(), fields: undefined, deliveries: 1, bytes: 0 });
    cursor = next.toString();
    if (cursor === '0-0' || entries.length >= limit || bytes >= bytesPerRead) break;
    const fitting = Math.floor((bytesPerRead - bytes) / Math.max(1, bytes / Math.max(1, entries.length)));
    count = Math.min(limit - entries.length, fitting, 4 * count);
  }
  return entries;
}

async function countDeliveries(
  group: StreamGroup,
  stream: string,
  entries: RawEntry[],
): Promise<StreamEntry[]> {
  const first = entries[0]?.[0].toString() ?? '-';
  const last = entries.at(-1)?.[0].toString() ?? '+';
  const pending = (await group.ask(
    group.commands.xpending(stream, streamGroup, first, last, entries.length, group.consumer),
  )) as [id: string, consumer: string, idleMs: number, deliveries: number][];
  const counts = new Map(pending.map(([id, , , deliveries]) => [id, deliveries]));
  return entries.map((entry) => toEntry(entry, counts.get(entry[0].toString()) ?? 1));
}

/** Removes finished entries and the consumers of ended processes, some streams at a time. */
export async function trimStreams(group: StreamGroup, keepMs: number): Promise<void> {
  const { commands } = group;
  const [seconds, micros] = await group.ask(commands.time());
  const oldest = `${Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - keepMs}-0`;
  const failed = new Set<string>();
  let streams = group.known.takeTurn('trim', streamsPerTrim);
  const run = async (script: typeof trim, ...args: (string | number)[]) =>
    Promise.all(
      streams.map((stream) =>
        group.ask(script(commands, [stream], ...args)).catch((error: unknown) => {
          if (refusesEverything(error)) throw error;
          failed.add(stream);
          return 0;
        }),
      ),
    );
  await run(removeIdle, streamGroup, deadAfterMs);
  for (let step = 0; step < trimStepsPerStream && streams.length > 0; step++) {
    const trimmed = await run(trim, oldest);
    streams = streams.filter((_, i) => Number(trimmed[i]) > 0);
  }
  if (failed.size > 0) await group.repair([...failed]);
}
