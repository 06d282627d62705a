import type { EntryFields, StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';

/** As ioredis returns it without converting to strings: an entry may carry megabytes that are never read. */
export type RawEntry = [id: Buffer, fields: Buffer[] | null];
export type RawRead = [stream: Buffer, entries: RawEntry[]][] | null;

/** Longest value that is read: enough to show that it is malformed. */
const longestValue = 1_000;

export function toBatches(reply: RawRead): StreamBatch[] {
  return (reply ?? []).map(([stream, entries]) => ({
    stream: stream.toString(),
    entries: entries.map((entry) => toEntry(entry, 1)),
  }));
}

export function toEntry([id, flat]: RawEntry, deliveries: number): StreamEntry {
  if (!flat || flat.length === 0)
    return { id: id.toString('latin1'), fields: undefined, deliveries, bytes: 0 };
  const fields: EntryFields = { uid: undefined, traceparent: undefined };
  let bytes = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as Buffer;
    const value = flat[i + 1] as Buffer;
    bytes += name.length + value.length;
    const known = findField(name);
    if (known) fields[known] = toText(value);
  }
  return { id: id.toString('latin1'), fields, deliveries, bytes };
}

const knownFields = (['uid', 'traceparent', 'unit', 'key'] as const).map((name) => ({
  name,
  bytes: Buffer.from(name),
}));

/** Compares bytes: converting every name to a string took a third of the time of reading an entry. */
function findField(name: Buffer): keyof EntryFields | undefined {
  for (const known of knownFields) {
    if (known.bytes.length === name.length && known.bytes[0] === name[0] && known.bytes.equals(name))
      return known.name;
  }
  return undefined;
}

function toText(value: Buffer): string {
  return value.length > longestValue ? value.toString('utf8', 0, longestValue) : value.toString();
}
