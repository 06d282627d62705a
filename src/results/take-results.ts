import { toWeirError, WeirError } from '../errors.ts';
import { type InstanceId, parseTraceparent } from '../instance/purchase.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { Settled } from './judge-result.ts';
import { decodeResult, type InstanceResult } from './result.ts';

export interface ResultMessage {
  body: Buffer;
  traceparent?: string | null | undefined;
}

export interface QueueProgress {
  waiting: number;
  finished: number;
}

export interface ResultQueue {
  /** At least one message and at most `count`; none when `signal` aborts first. */
  take(count: number, signal: AbortSignal): Promise<ResultMessage[]>;
  /** They need not come again. */
  acknowledge(messages: readonly ResultMessage[]): Promise<void> | void;
  /** Gives back what was taken and not acknowledged, for another process to take. */
  release(reason: string): void;
  /** Results that are not settled yet, and how many this process has acknowledged. @throws when it cannot be asked */
  readProgress(): Promise<QueueProgress>;
}

/** A result that no instance can be settled with. */
export interface UnfitResult {
  error: WeirError;
  original: Buffer;
  /** undefined: it cannot be read. */
  instanceId?: InstanceId;
  traceparent?: string | null | undefined;
}

/** ONE commit; answers in the order of the results. @throws the store's error when it is away */
export type Settle = (results: readonly InstanceResult[]) => Promise<Settled[]>;

export interface TakeResultsParts {
  queue: ResultQueue;
  settle: Settle;
  park: (results: readonly UnfitResult[]) => Promise<void>;
  isTransient: (error: unknown) => boolean;
  onSettled: (counts: ReadonlyMap<Settled, number>) => void;
  onParked: (results: readonly UnfitResult[]) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

interface Taken {
  result: InstanceResult;
  original: Buffer;
}

const resultsPerBatch = 500;
/** As many results in one batch make the next batch wait for `lingerMs`: fewer commits and acknowledgements for each. */
const flood = 20;
const lingerMs = 20;
const retry = { firstMs: 100, maxMs: 10_000 };
/** About ten seconds. */
const failuresUntilRelease = 7;

/** Reads the result queue until stopped; a message is acknowledged only when its effect is committed. */
export class TakeResults {
  readonly #parts: TakeResultsParts;

  constructor(parts: TakeResultsParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { queue, onFailure } = this.#parts;
    let messages: ResultMessage[] = [];
    let lastCount = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        // What could not be settled is tried again until it is: a database that is away is no fault of the results.
        if (messages.length === 0) {
          // In a flood a moment's wait fills the commit; a single result waits for nobody.
          if (lastCount >= flood && lastCount < resultsPerBatch) await pause(lingerMs, signal);
          messages = await queue.take(resultsPerBatch, signal);
          lastCount = messages.length;
        }
        if (messages.length > 0) await this.take(messages);
        await queue.acknowledge(messages);
        messages = [];
        failures = 0;
      } catch (error) {
        onFailure(error, ++failures);
        await pause(backoffMs(failures, retry), signal);
        // Perhaps it is only we who cannot reach the database.
        if (failures % failuresUntilRelease === 0) {
          messages = [];
          queue.release('results could not be settled for a while');
        }
      }
    }
  }

  async take(messages: readonly ResultMessage[]): Promise<void> {
    const taken: Taken[] = [];
    const unfit: UnfitResult[] = [];
    const cameAt = new Date();
    for (const { body, traceparent } of messages) {
      try {
        const result = { ...decodeResult(body, cameAt), ...parseTraceparent(traceparent) };
        taken.push({ result, original: body });
      } catch (error) {
        unfit.push({ error: toWeirError(error), original: body, traceparent });
      }
    }
    const counts = new Map<Settled, number>();
    if (taken.length > 0) await this.#settleOrSplit(taken, counts, unfit);
    failpoint('after-settle');
    if (unfit.length > 0) {
      await this.#parts.park(unfit);
      this.#parts.onParked(unfit);
    }
    this.#parts.onSettled(counts);
  }

  /** A batch that one result spoils for a reason we do not know is split until it stands alone, and is parked. */
  async #settleOrSplit(
    taken: readonly Taken[],
    counts: Map<Settled, number>,
    unfit: UnfitResult[],
  ): Promise<void> {
    try {
      const settled = await this.#parts.settle(taken.map(({ result }) => result));
      settled.forEach((kind, i) => {
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        const { result, original } = taken[i] as Taken;
        if (kind === 'unknown') unfit.push({ error: unknownInstance(result), original, ...namesOf(result) });
      });
    } catch (error) {
      if (this.#parts.isTransient(error)) throw error;
      const [alone] = taken;
      if (taken.length === 1 && alone) {
        const { result, original } = alone;
        unfit.push({ error: toWeirError(error), original, ...namesOf(result) });
        return;
      }
      const middle = taken.length >> 1;
      await this.#settleOrSplit(taken.slice(0, middle), counts, unfit);
      await this.#settleOrSplit(taken.slice(middle), counts, unfit);
    }
  }
}

function namesOf({
  instanceId,
  traceparent,
}: InstanceResult): Pick<UnfitResult, 'instanceId' | 'traceparent'> {
  return { instanceId, traceparent };
}

function unknownInstance({ instanceId, status }: InstanceResult): WeirError {
  return new WeirError('RESULT_UNKNOWN', `${status} for instance ${instanceId}, which is not here`);
}
