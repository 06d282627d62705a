import type { Source } from '../instance/purchase.ts';

export const seckill = 'SECKILL' as Source;

/** A stream entry. `uid` is undefined when the entry has no such field. */
export interface StreamEntry {
  id: string;
  /** undefined: trimmed or deleted before it was read. */
  fields: EntryFields | undefined;
  /** Delivery count, including this one. */
  deliveries: number;
  /** Size of all fields, including unused ones; 0 when unknown. */
  bytes: number;
}

/** The fields that Weir reads; `unit` and `key` exist on entries of its own sales. */
export type EntryFields = Record<'uid' | 'traceparent', string | undefined> & { unit?: string; key?: string };

export interface StreamBatch {
  stream: string;
  entries: StreamEntry[];
  /** Some entries may already be in hand: they were pending when they were read. */
  isRepeat?: boolean;
}

/** The seckill streams of all products, read as one consumer of one group. */
export interface SeckillStreams {
  /** Finds new streams; they are read from their first entry. */
  discover(): Promise<void>;
  /** Reads new entries, at most `count` per stream, none of `except`; waits up to `blockMs` for the first. */
  read(count: number, blockMs: number, except?: ReadonlySet<string>): Promise<StreamBatch[]>;
  /** Makes the next reads return this consumer's unacknowledged entries of the stream. */
  readAgain(stream: string): Promise<void>;
  /** Takes over entries that another consumer has held for at least `minIdleMs`. */
  takeOver(count: number, minIdleMs: number, except?: ReadonlySet<string>): Promise<StreamBatch[]>;
  /** Resets the idle time of entries in hand, so that no other consumer takes them over. */
  keep(stream: string, ids: readonly string[]): Promise<void>;
  /** Persists an entry's delivery count. */
  setDeliveries(stream: string, id: string, deliveries: number): Promise<void>;
  /** Reads each entry's field names and values as alternating bytes; empty when the entry is gone. */
  readOriginals(stream: string, ids: readonly string[]): Promise<Buffer[][]>;
  acknowledge(stream: string, ids: readonly string[]): Promise<void>;
  /** Removes entries that every group has acknowledged and that are older than `keepMs`. */
  trim(keepMs: number): Promise<void>;
}
