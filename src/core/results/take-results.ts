import { toWeirError, WeirError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { countEach } from '../../lib/count-each.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { type InstanceId, parseTraceparent } from '../instance/purchase.ts';
import type { Settled } from './classify-result.ts';
import { type MessageQueue, readQueue } from './read-queue.ts';
import { decodeResult, type InstanceResult } from './result.ts';

export interface ResultMessage {
  body: Buffer;
  traceparent?: string | null | undefined;
}

export interface QueueProgress {
  waiting: number;
  finished: number;
}

export interface ResultQueue extends MessageQueue<ResultMessage> {
  /**
   * Unsettled results, and how many this process has acknowledged.
   * @throws when the queue is unavailable
   */
  readProgress(): Promise<QueueProgress>;
}

/** A result that cannot settle any instance. */
export interface UnfitResult {
  error: WeirError;
  original: Buffer;
  /** undefined: the message cannot be decoded. */
  instanceId?: InstanceId;
  traceparent?: string | null | undefined;
}

/**
 * Settles results in one commit; answers are in their order.
 * @throws the store's error when it is unavailable
 */
export type Settle = (results: readonly InstanceResult[]) => Promise<Settled[]>;

interface TakeResultsDeps {
  queue: ResultQueue;
  settle: Settle;
  park: (results: readonly UnfitResult[]) => Promise<void>;
  isTransient: (error: unknown) => boolean;
  clock: Clock;
  onSettled: (counts: ReadonlyMap<Settled, number>) => void;
  onParked: (results: readonly UnfitResult[]) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

interface Taken {
  result: InstanceResult;
  original: Buffer;
}

const resultsPerBatch = 500;

/** Reads the result queue until stopped, and acknowledges a message after its effect is committed. */
export class TakeResults {
  readonly #deps: TakeResultsDeps;

  constructor(deps: TakeResultsDeps) {
    this.#deps = deps;
  }

  run(signal: AbortSignal): Promise<void> {
    const { queue, clock, onFailure } = this.#deps;
    const handle = (messages: readonly ResultMessage[]) => this.take(messages);
    return readQueue({ queue, messagesPerBatch: resultsPerBatch, handle, clock, onFailure }, signal);
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
    if (taken.length > 0) await this.#settleOrSplit(taken, unfit);
    failpoint('after-settle');
    if (unfit.length > 0) {
      await this.#deps.park(unfit);
      this.#deps.onParked(unfit);
    }
  }

  /** Splits a batch that fails for an unknown reason until the offending result is alone, and parks it. */
  async #settleOrSplit(taken: readonly Taken[], unfit: UnfitResult[]): Promise<void> {
    try {
      const settled = await this.#deps.settle(taken.map(({ result }) => result));
      // Report each commit separately: a later failure does not undo it.
      this.#deps.onSettled(countEach(settled));
      settled.forEach((kind, i) => {
        const { result, original } = taken[i] as Taken;
        if (kind === 'unknown') unfit.push({ error: unknownInstance(result), original, ...namesOf(result) });
      });
    } catch (error) {
      if (this.#deps.isTransient(error)) throw error;
      const [alone] = taken;
      if (taken.length === 1 && alone) {
        const { result, original } = alone;
        unfit.push({ error: toWeirError(error), original, ...namesOf(result) });
        return;
      }
      const middle = taken.length >> 1;
      await this.#settleOrSplit(taken.slice(0, middle), unfit);
      await this.#settleOrSplit(taken.slice(middle), unfit);
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
  return new WeirError('RESULT_NOT_FOUND', `${status} for unknown instance ${instanceId}`);
}
