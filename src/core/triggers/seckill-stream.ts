import { WeirError } from '../../errors.ts';
import { backoffMs, pause } from '../../lib/backoff.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import { type BatchDeps, ProcessBatch } from './process-batch.ts';
import type { SeckillStreams, StreamBatch } from './seckill-streams.ts';
import { StreamBackoff } from './stream-backoff.ts';

export interface SeckillDeps extends BatchDeps {
  /** Whether the intake may read more: false above the outbox's high-water mark. */
  hasRoom: () => boolean;
  /** Whether a store's failure is transient. */
  isTransient: (error: unknown) => boolean;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface SeckillOptions {
  batchSize: number;
  /** Batches that may be in flight while the next one is read. */
  maxInFlight: number;
  blockMs: number;
  discoverEveryMs: number;
  takeOverEveryMs: number;
  /** Must exceed the duration of any batch, or two consumers process the same entries. */
  minIdleMs: number;
  maxDeliveries: number;
  trimEveryMs: number;
  keepFinishedMs: number;
}

type Upkeep = 'discover' | 'trim' | 'takeOver';
type Work = Upkeep | 'read' | 'keep';

/** Short: attempts are free while a store is unavailable, and winners should not wait once it is back. */
const retry = { firstMs: 100, maxMs: 1_000 };
/** Consecutive failures of a stream after which its entries are processed one by one. */
const failuresUntilOneByOne = 3;

interface InProgress {
  batch: StreamBatch;
  sinceMs: number;
  work: Promise<void>;
}

/**
 * Reads winners from the seckill streams until stopped, and acknowledges each after its effect is committed.
 */
export class SeckillStreamTrigger {
  readonly #streams: SeckillStreams;
  readonly #deps: SeckillDeps;
  readonly #options: SeckillOptions;
  readonly #batches: ProcessBatch;
  readonly #backoff = new StreamBackoff();
  readonly #inProgress = new Set<InProgress>();
  readonly #dueAt = new Map<Upkeep, number>();
  /**
   * Consecutive failures, counted per kind of work: a read of no streams succeeds even while Redis is
   * unavailable.
   */
  readonly #failures: Record<Work, number> = { discover: 0, trim: 0, takeOver: 0, read: 0, keep: 0 };
  #trying: Work = 'read';

  constructor(deps: SeckillDeps, options: SeckillOptions) {
    this.#streams = deps.streams;
    this.#deps = deps;
    this.#options = options;
    this.#batches = new ProcessBatch(deps, options.maxDeliveries);
  }

  /** Resolves after a stop, when every batch in flight has finished. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#readUntilStopped(signal), this.#keepUntilStopped(signal)]);
    await Promise.all([...this.#inProgress].map(({ work }) => work));
  }

  async #readUntilStopped(signal: AbortSignal): Promise<void> {
    const { batchSize, blockMs } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#runUpkeep();
        const pauseMs = this.#backoff.pauseMs();
        if (pauseMs > 0) await pause(pauseMs, signal);
        if (!this.#deps.hasRoom()) {
          await pause(blockMs / 4, signal);
          continue;
        }
        await this.#resumeStreams();
        const read = () => this.#streams.read(batchSize, blockMs, this.#backoff.waiting);
        for (const batch of await this.#try('read', read)) await this.#begin(batch);
      } catch (error) {
        if (signal.aborted) break;
        this.#deps.onFailure(error, ++this.#failures[this.#trying]);
        // Maintenance has its own schedule, and known streams can be read without it.
        await pauseBeforeRetry(backoffMs(Math.max(1, this.#failures.read), retry), signal);
      }
    }
  }

  async #resumeStreams(): Promise<void> {
    if (this.#backoff.waiting.size === 0) return;
    for (const stream of this.#backoff.takeDue(performance.now())) {
      try {
        await this.#streams.readAgain(stream);
      } catch (error) {
        this.#backoff.fail(stream, this.#isTransient(error), performance.now());
        throw error;
      }
    }
  }

  async #runUpkeep(): Promise<void> {
    const { hasRoom } = this.#deps;
    const { discoverEveryMs, trimEveryMs, takeOverEveryMs, ...options } = this.#options;
    if (this.#isDue('discover', discoverEveryMs)) await this.#try('discover', () => this.#streams.discover());
    if (this.#isDue('trim', trimEveryMs)) {
      await this.#try('trim', () => this.#streams.trim(options.keepFinishedMs));
    }
    if (!hasRoom() || !this.#isDue('takeOver', takeOverEveryMs)) return;
    const except = this.#findFailed();
    const takeOver = () => this.#streams.takeOver(options.batchSize, options.minIdleMs, except);
    for (const batch of await this.#try('takeOver', takeOver)) await this.#begin(batch);
  }

  /**
   * Streams whose batch failed, including those being retried. Their entries became idle during the wait, and
   * taking them over from ourselves would count as a delivery.
   */
  #findFailed(): ReadonlySet<string> {
    const tried = [...this.#inProgress].filter(({ batch }) => batch.isRepeat);
    return new Set([...this.#backoff.waiting, ...tried.map(({ batch }) => batch.stream)]);
  }

  async #try<Result>(what: Work, work: () => Promise<Result>): Promise<Result> {
    this.#trying = what;
    const result = await work();
    this.#failures[what] = 0;
    return result;
  }

  #isDue(task: Upkeep, everyMs: number): boolean {
    const now = performance.now();
    if (now < (this.#dueAt.get(task) ?? 0)) return false;
    this.#dueAt.set(task, now + everyMs);
    return true;
  }

  /**
   * Starts a batch once fewer than `maxInFlight` are running. Entries of a stream in backoff stay pending.
   */
  async #begin(read: StreamBatch): Promise<void> {
    while (this.#inProgress.size >= this.#options.maxInFlight) {
      await Promise.race([...this.#inProgress].map(({ work }) => work));
    }
    if (this.#backoff.waiting.has(read.stream)) return;
    const batch = read.isRepeat ? this.#withoutInHand(read) : read;
    if (batch.entries.length === 0) return;
    const held: InProgress = { batch, sinceMs: performance.now(), work: Promise.resolve() };
    this.#inProgress.add(held);
    held.work = this.#process(batch).finally(() => this.#inProgress.delete(held));
  }

  #withoutInHand(batch: StreamBatch): StreamBatch {
    const ids = new Set<string>();
    for (const { batch: other } of this.#inProgress) {
      if (other.stream === batch.stream) for (const { id } of other.entries) ids.add(id);
    }
    return ids.size === 0 ? batch : { ...batch, entries: batch.entries.filter(({ id }) => !ids.has(id)) };
  }

  /** Never rejects. A failed batch frees its slot and is read again when its stream's backoff ends. */
  async #process(batch: StreamBatch): Promise<void> {
    const { stream } = batch;
    try {
      if (this.#backoff.ownFailures(stream) >= failuresUntilOneByOne) {
        await this.#batches.processOneByOne(batch, this.#isTransient);
      } else await this.#batches.process(batch);
      this.#backoff.succeed(stream);
    } catch (error) {
      const attempt = this.#backoff.fail(stream, this.#isTransient(error), performance.now());
      this.#deps.onFailure(error, attempt);
    }
  }

  readonly #isTransient = (error: unknown): boolean =>
    error instanceof WeirError
      ? error.isTransient && error.code !== 'INTERNAL'
      : this.#deps.isTransient(error);

  /** Keeps a slow batch, such as during a database outage, from looking abandoned. */
  async #keepUntilStopped(signal: AbortSignal): Promise<void> {
    const everyMs = this.#options.minIdleMs / 3;
    while (!signal.aborted) {
      await pause(everyMs, signal);
      const longAgo = performance.now() - everyMs / 2;
      try {
        for (const { batch, sinceMs } of this.#inProgress) {
          if (sinceMs > longAgo) continue;
          await this.#streams.keep(
            batch.stream,
            batch.entries.map(({ id }) => id),
          );
        }
        this.#failures.keep = 0;
      } catch (error) {
        this.#deps.onFailure(error, ++this.#failures.keep);
      }
    }
  }
}
