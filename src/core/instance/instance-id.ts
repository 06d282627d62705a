import { WeirError } from '../../errors.ts';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { InstanceId } from './purchase.ts';

/**
 * Snowflake, 63 bits: 41 milliseconds since 2025-01-01T00:00Z, 10 worker, 12 sequence. The upper bits of the worker id are the
 * cell, where there are several installations.
 */
export const idEpochMs = Date.UTC(2025, 0, 1);
const maxSequence = 4095;
/**
 * The sequence of a new millisecond begins below this, at another number each time: single ids would otherwise all be
 * multiples of 4096, and of several queues (created-queues.ts) the first would get them all.
 */
const sequenceStarts = 64;
const workerIdCount = 1_024;

/** `number/count`: one of several installations that share the space of ids; the count is a power of two. */
export const onlyCell = '0/1';

/** The worker ids that belong to the cell. */
export function workerIdsOf(cell: string): { first: number; last: number } {
  const [number = 0, count = 1] = cell.split('/').map(Number);
  const share = workerIdCount / count;
  return { first: number * share, last: (number + 1) * share - 1 };
}

/**
 * The half-open range [fromMs, untilMs) of milliseconds since the id epoch that belongs to this worker alone.
 */
export interface WorkerLease {
  workerId: number;
  /** Incremented for each new owner of this worker id. */
  epoch: bigint;
  fromMs: number;
  untilMs: number;
}

export interface WorkerLeases {
  /**
   * Leases a free worker id; undefined when all are leased. `untilMs` is durable before this resolves.
   */
  acquire(durationMs: number): Promise<WorkerLease | undefined>;
  /** Extends the lease; undefined when another process has taken it. */
  renew(lease: WorkerLease, nowMs: number, durationMs: number): Promise<WorkerLease | undefined>;
  release(lease: WorkerLease): Promise<void>;
}

/**
 * Allocates unique instance ids. Uniqueness comes from a high-water mark: an id's millisecond lies in a range
 * that was written to the database before its first use, and the next owner of the worker id starts above it.
 * The clock only selects a position in the range, so a clock that jumps or a paused process costs time, never
 * uniqueness.
 */
export class InstanceIds {
  readonly #leases: WorkerLeases;
  readonly #clock: Clock;
  readonly #durationMs: number;
  #lease: WorkerLease | undefined;
  /** Monotonic time that corresponds to #lease.fromMs. */
  #startedAt = 0;
  #expiresAt = 0;
  #lastMs = -1;
  #sequence = 0;
  #renewal: Promise<void> | undefined;

  constructor(leases: WorkerLeases, durationMs = 30_000, clock: Clock = systemClock) {
    this.#leases = leases;
    this.#durationMs = durationMs;
    this.#clock = clock;
  }

  /** @throws WeirError WORKER_LEASE_LOST when the database grants no worker id. */
  async take(count: number): Promise<InstanceId[]> {
    const ids: InstanceId[] = [];
    while (ids.length < count) {
      if (!this.#lease || this.#clock.monotonicMs() >= this.#expiresAt) await this.#extend();
      this.#fill(ids, count);
      if (ids.length < count) await this.#extend();
      else if (this.#clock.monotonicMs() >= this.#expiresAt - (this.#durationMs * 2) / 3) this.#extendAhead();
    }
    return ids;
  }

  async release(): Promise<void> {
    await this.#renewal?.catch(() => {});
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease) await this.#leases.release(lease);
  }

  #fill(ids: InstanceId[], count: number): void {
    const lease = this.#lease;
    if (!lease) return;
    const worker = BigInt(lease.workerId) << 12n;
    const nowMs = this.#nowMs(lease);
    this.#moveTo(nowMs, nowMs % sequenceStarts);
    while (ids.length < count && this.#lastMs < lease.untilMs) {
      ids.push(((BigInt(this.#lastMs) << 22n) | worker | BigInt(this.#sequence)) as InstanceId);
      if (this.#sequence++ === maxSequence) this.#moveTo(this.#lastMs + 1, 0);
    }
  }

  #moveTo(ms: number, sequence: number): void {
    if (ms <= this.#lastMs) return;
    this.#lastMs = ms;
    this.#sequence = sequence;
  }

  #nowMs(lease: WorkerLease): number {
    return lease.fromMs + Math.floor(this.#clock.monotonicMs() - this.#startedAt);
  }

  #extendAhead(): void {
    // The lease is still valid; a take() that needs the extension reports the failure.
    this.#extend().catch(() => {});
  }

  async #extend(): Promise<void> {
    this.#renewal ??= this.#renewOrAcquire().finally(() => {
      this.#renewal = undefined;
    });
    await this.#renewal;
  }

  async #renewOrAcquire(): Promise<void> {
    // Read the clock before the request: our end of the lease must precede the database's.
    const askedAt = this.#clock.monotonicMs();
    const held = this.#lease;
    if (held) {
      const nowMs = Math.max(this.#nowMs(held), this.#lastMs);
      const renewed = await this.#leases.renew(held, nowMs, this.#durationMs);
      if (renewed) {
        held.untilMs = renewed.untilMs;
        this.#expiresAt = askedAt + this.#durationMs;
        return;
      }
      this.#lease = undefined;
    }
    const lease = await this.#leases.acquire(this.#durationMs);
    if (!lease) throw new WeirError('WORKER_LEASE_LOST', 'all worker ids are leased');
    this.#lease = { ...lease };
    this.#startedAt = askedAt;
    this.#expiresAt = askedAt + this.#durationMs;
    this.#lastMs = lease.fromMs;
    this.#sequence = 0;
  }
}
