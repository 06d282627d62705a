import type { StreamBatch, StreamEntry } from '../../core/triggers/seckill-streams.ts';

/**
 * Approximate size of one read: 500 entries of 4 MB would exhaust the memory of the process, and of the next
 * one too.
 */
export const bytesPerRead = 16 * 1024 * 1024;
/** A stream with larger entries is read alone. */
const heavyBytes = 128 * 1024;
/** How many entries are requested of a stream whose entries have not been seen yet. */
const firstCount = 16;

/** Tracks the recent size of each stream's entries, and derives from it how many to request. */
export class EntrySizes {
  readonly #bytes = new Map<string, number>();
  /** The most entries that one stream returned in the last read of many streams. */
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

  /**
   * For the first read of many streams: hardly more than the last time, since the next entries may be larger.
   */
  countForMany(limit: number): number {
    return Math.min(limit, firstCount + 2 * this.#window);
  }

  /** For one stream: as many as fit; few when its sizes are unknown. */
  countForOne(stream: string, limit: number): number {
    const bytes = this.#bytes.get(stream);
    if (bytes === undefined) return Math.min(limit, firstCount);
    return clamp(Math.floor(bytesPerRead / Math.max(1, bytes)), limit);
  }

  /**
   * After `entries`, which were all that had been requested: four times as many while they are small. 0:
   * enough has been read.
   */
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
