import type { Source } from '../instance/purchase.ts';

export const seckill = 'SECKILL' as Source;

/** An entry as it stands on the stream. `uid` is undefined when the entry has no such field. */
export interface StreamEntry {
  id: string;
  /** undefined: trimmed or deleted before anybody read it. */
  fields: EntryFields | undefined;
  /** How often it was handed out, this time included. */
  deliveries: number;
  /** Of all its fields, also of those that are not read here; 0 where that is not known. */
  bytes: number;
}

/** The fields that mean something here; `unit` and `key` stand on the entries of Weir's own sales. */
export type EntryFields = Record<'uid' | 'traceparent', string | undefined> & { unit?: string; key?: string };

export interface StreamBatch {
  stream: string;
  entries: StreamEntry[];
  /** Some of them may be in hand already: they were pending when they were read. */
  isRepeat?: boolean;
}

/** The seckill streams of all products, read as one consumer of one group. */
export interface SeckillStreams {
  /** Looks for streams that have appeared since; they are read from their first entry. */
  discover(): Promise<void>;
  /** New entries, at most `count` of a stream, none of `except`; waits up to `blockMs` for the first. */
  read(count: number, blockMs: number, except?: ReadonlySet<string>): Promise<StreamBatch[]>;
  /** The next reads bring what this consumer was given of the stream and has not acknowledged. */
  readAgain(stream: string): Promise<void>;
  /** Takes over entries that another consumer got at least `minIdleMs` ago and did not finish. */
  takeOver(count: number, minIdleMs: number, except?: ReadonlySet<string>): Promise<StreamBatch[]>;
  /** These are still being worked on: the time after which others take them over begins again. */
  keep(stream: string, ids: readonly string[]): Promise<void>;
  /** Sets how often an entry counts as handed out, and keeps it. */
  setDeliveries(stream: string, id: string, deliveries: number): Promise<void>;
  /** Each entry's field names and values as bytes, one after the other; empty when it is gone. */
  readOriginals(stream: string, ids: readonly string[]): Promise<Buffer[][]>;
  acknowledge(stream: string, ids: readonly string[]): Promise<void>;
  /** Removes entries that every group has finished and that are older than `keepMs`. */
  trim(keepMs: number): Promise<void>;
}
