import type { EntryFields, StreamBatch, StreamEntry } from '../triggers/seckill-streams.ts';

/** As ioredis hands it over without making strings of it: an entry may carry megabytes that nothing reads. */
export type RawEntry = [id: Buffer, fields: Buffer[] | null];
export type RawRead = [stream: Buffer, entries: RawEntry[]][] | null;

/** Of a value that is read: enough to show that it is malformed, and no more. */
const longestValue = 1_000;

export function toBatches(reply: RawRead): StreamBatch[] {
  return (reply ?? []).map(([stream, entries]) => ({
    stream: stream.toString(),
    entries: entries.map((entry) => toEntry(entry, 1)),
  }));
}

export function toEntry([id, flat]: RawEntry, deliveries: number): StreamEntry {
  if (!flat || flat.length === 0) return { id: id.toString(), fields: undefined, deliveries, bytes: 0 };
  const fields: EntryFields = { uid: undefined, traceparent: undefined };
  let bytes = 0;
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as Buffer;
    const value = flat[i + 1] as Buffer;
    bytes += name.length + value.length;
    if (name.length > longestName) continue;
    const known = name.toString('latin1') as keyof EntryFields;
    if (knownFields.has(known)) fields[known] = toText(value);
  }
  return { id: id.toString(), fields, deliveries, bytes };
}

const knownFields: ReadonlySet<keyof EntryFields> = new Set(['uid', 'traceparent', 'unit', 'key']);
const longestName = 11;

function toText(value: Buffer): string {
  return value.length > longestValue ? value.toString('utf8', 0, longestValue) : value.toString();
}
