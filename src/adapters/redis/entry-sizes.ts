import type { StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';

/** What one read may bring, about: with 500 entries of 4 MB a process would die of it, and the next one again. */
export const bytesPerRead = 16 * 1024 * 1024;
/** A stream whose entries are larger is read by itself. */
const heavyBytes = 128 * 1024;
/** Entries that are asked for of a stream whose entries were never seen. */
const firstCount = 16;

/** How large the entries of each stream have been of late, and from that how many to ask for. */
export class EntrySizes {
  readonly #bytes = new Map<string, number>();
  /** The most entries that one stream gave in the last read of many. */
  #window = 0;

  learn(batches: readonly StreamBatch[]): void {
    let most = 0;
    for (const { stream, entries } of batches) {
      let largest = 0;
      for (const { bytes } of entries) if (bytes > largest) largest = bytes;
      this.#bytes.set(stream, Math.max(largest, (this.#bytes.get(stream) ?? 0) / 2));
      most = Math.max(most, entries.length);
    }
    if (most > 0) this.#window = most;
  }

  isHeavy(stream: string): boolean {
    return (this.#bytes.get(stream) ?? 0) > heavyBytes;
  }

  forget(stream: string): void {
    this.#bytes.delete(stream);
  }

  /** For a first read of many: hardly more than there were the last time, since what comes next may be larger. */
  countForMany(limit: number): number {
    return Math.min(limit, firstCount + 2 * this.#window);
  }

  /** For one stream: as many as fit, and of one that is not known few. */
  countForOne(stream: string, limit: number): number {
    const bytes = this.#bytes.get(stream);
    if (bytes === undefined) return Math.min(limit, firstCount);
    return clamp(Math.floor(bytesPerRead / Math.max(1, bytes)), limit);
  }

  /** After `entries`, all that were asked for: four times as many while they are small. 0: enough has been read. */
  countForMore(entries: readonly StreamEntry[], limit: number): number {
    const bytes = sum(entries);
    const left = limit - entries.length;
    if (left <= 0 || bytes >= bytesPerRead) return 0;
    const fitting = Math.floor((bytesPerRead - bytes) / Math.max(1, bytes / entries.length));
    return Math.min(left, fitting, 4 * entries.length);
  }
}

function sum(entries: readonly StreamEntry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.bytes;
  return bytes;
}

function clamp(count: number, limit: number): number {
  return Math.max(1, Math.min(limit, count));
}
