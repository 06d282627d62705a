import { WeirError } from '../../errors.ts';
import { backoffMs, pause } from '../../lib/backoff.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import type { Signal } from '../../lib/signal.ts';
import { type JobStep, JobStopped } from './parked-job.ts';
import type { ParkedReplay } from './replay.ts';

export interface JobStepRows {
  /** Leases the next step of the job whose turn it is. undefined: no job waits for a process. */
  claimStep(leaseMs: number): Promise<JobStep | undefined>;
  /** @returns false when the step is another's by now */
  renewStep(step: JobStep, leaseMs: number): Promise<boolean>;
  /** Gives the step back as it is, for another try. */
  releaseStep(step: JobStep): Promise<void>;
  /** Counts what the job matches, before its first item is handled. */
  countItems(step: JobStep): Promise<void>;
  /** The next items, in order of id, with the size of their originals. */
  findItems(step: JobStep, limit: number): Promise<JobItem[]>;
  /** Discards those that are still parked, and ends the step in that commit. @throws JobStopped */
  discardItems(step: JobStep, ids: readonly string[], end: StepEnd): Promise<StepResult>;
  /** Records why the item stays as it is. @throws JobStopped */
  noteFailed(step: JobStep, itemId: string, error: WeirError): Promise<void>;
  /** Counts and names what was done up to `end.upTo`, in one commit. @throws JobStopped */
  endStep(step: JobStep, end: StepEnd): Promise<StepResult>;
}

export interface JobItem {
  id: string;
  bytes: number;
}

export interface StepEnd {
  /** The last item that was handled. */
  upTo: string;
  /** Nothing is left. */
  isLast: boolean;
}

export interface StepResult {
  done: number;
  failed: number;
}

interface ParkedJobRunnerDeps {
  rows: JobStepRows;
  replay: ParkedReplay['replay'];
  isTransient: (error: unknown) => boolean;
  /** Notified when a job was created. */
  signal: Signal;
  onStep: (step: JobStep, result: StepResult, isLast: boolean) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

interface ParkedJobRunnerOptions {
  everyMs: number;
  leaseMs: number;
  itemsPerStep: number;
  /** Items at the same time: they share commits. */
  concurrency: number;
  /** Bytes of the originals of these items together; one alone may be larger. */
  maxBytes: number;
}

const usual: ParkedJobRunnerOptions = {
  ...{ everyMs: 1_000, leaseMs: 15_000, itemsPerStep: 500 },
  ...{ concurrency: 50, maxBytes: 8 * 1024 * 1024 },
};

const retry = { firstMs: 200, maxMs: 30_000 };
/** An item that fails so often while the database leases the step each time is at fault itself. */
const triesPerItem = 8;

/**
 * Runs jobs step by step, in any number of processes: a step is leased, so that each job is run by one process at a time, and
 * the jobs take turns. A process that dies leaves its step to the next one, which finds the items that were done resolved.
 */
export class ParkedJobRunner {
  readonly #deps: ParkedJobRunnerDeps;
  readonly #options: ParkedJobRunnerOptions;
  /** Items of the step that failed for no fault of their own, and how often; those that are in the way of the others. */
  readonly #tries = new Map<string, number>();

  constructor(deps: ParkedJobRunnerDeps, options: Partial<ParkedJobRunnerOptions> = {}) {
    this.#deps = deps;
    this.#options = { ...usual, ...options };
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const isBusy = await this.runStep(signal);
        failures = 0;
        if (!isBusy) await this.#deps.signal.wait(this.#options.everyMs, signal);
      } catch (error) {
        this.#deps.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  /** @returns false when no job waits for a process */
  async runStep(signal: AbortSignal): Promise<boolean> {
    const { rows } = this.#deps;
    const step = await rows.claimStep(this.#options.leaseMs);
    if (!step) return false;
    const over = new AbortController();
    const renewing = setInterval(() => {
      const renew = rows.renewStep(step, this.#options.leaseMs);
      // While the database does not answer the lease runs on; what is committed later is checked again.
      renew.then((isHeld) => isHeld || over.abort()).catch(() => {});
    }, this.#options.leaseMs / 3);
    try {
      await this.#handle(step, AbortSignal.any([signal, over.signal]));
    } catch (error) {
      if (error instanceof JobStopped) return true;
      await rows.releaseStep(step).catch(() => {});
      throw error;
    } finally {
      clearInterval(renewing);
    }
    return true;
  }

  async #handle(step: JobStep, signal: AbortSignal): Promise<void> {
    const { rows, onStep } = this.#deps;
    const { itemsPerStep } = this.#options;
    if (!step.isCounted) await rows.countItems(step);
    const items = await rows.findItems(step, itemsPerStep);
    const ids = items.map(({ id }) => id);
    const isLast = ids.length < itemsPerStep;
    const end = { upTo: isLast ? step.lastItem : (ids.at(-1) as string), isLast };
    if (step.action === 'discard') {
      onStep(step, await rows.discardItems(step, ids, end), isLast);
      return;
    }
    const { handled, failure } = await this.#replayItems(step, items, signal);
    failpoint('before-job-step');
    if (handled === ids.length) {
      this.#tries.clear();
      onStep(step, await rows.endStep(step, end), isLast);
    } else if (handled > 0) {
      const upTo = ids[handled - 1] as string;
      onStep(step, await rows.endStep(step, { upTo, isLast: false }), false);
    } else await rows.releaseStep(step);
    if (failure !== undefined) throw failure;
  }

  /** `handled`: how many from the beginning are through; further ones may be, and are found resolved by the next try. */
  async #replayItems(
    step: JobStep,
    items: readonly JobItem[],
    signal: AbortSignal,
  ): Promise<{ handled: number; failure: unknown }> {
    const { concurrency, maxBytes } = this.#options;
    const running = new Set<Promise<void>>();
    let bytesRunning = 0;
    let next = 0;
    let handled = Number.POSITIVE_INFINITY;
    let failure: unknown;
    const start = ({ id, bytes }: JobItem, index: number) => {
      bytesRunning += bytes;
      const work = this.#replayItem(step, id, signal)
        .catch((error: unknown) => {
          failure ??= error;
          handled = Math.min(handled, index);
        })
        .finally(() => {
          bytesRunning -= bytes;
          running.delete(work);
        });
      running.add(work);
    };
    for (const item of items) {
      const isTooMuch = () => bytesRunning + item.bytes > maxBytes && running.size > 0;
      while (running.size >= concurrency || isTooMuch()) await Promise.race(running);
      if (failure !== undefined || signal.aborted) break;
      start(item, next++);
    }
    await Promise.all(running);
    if (failure instanceof JobStopped) throw failure;
    return { handled: Math.min(handled, next), failure };
  }

  async #replayItem(step: JobStep, id: string, signal: AbortSignal): Promise<void> {
    const { replay, isTransient, rows } = this.#deps;
    for (let attempt = 1; ; attempt++) {
      try {
        await replay(id, step.actor, { job: step });
        return;
      } catch (error) {
        if (isResolved(error)) return;
        if (error instanceof JobStopped) throw error;
        const tries = isTransient(error) ? (this.#tries.get(id) ?? 0) + 1 : attempt;
        if (tries >= triesPerItem) return rows.noteFailed(step, id, toFailure(error));
        if (isTransient(error)) this.#tries.set(id, tries);
        if (isTransient(error) || signal.aborted) throw error;
        await pause(backoffMs(attempt, retry), signal);
      }
    }
  }
}

/** Another operator or job was first. */
function isResolved(error: unknown): boolean {
  return (
    error instanceof WeirError && (error.code === 'PARKED_RESOLVED' || error.code === 'PARKED_NOT_FOUND')
  );
}

function toFailure(error: unknown): WeirError {
  if (error instanceof WeirError) return error;
  const detail = `cannot replay: ${error instanceof Error ? error.message : String(error)}`;
  return new WeirError('STORE_UNAVAILABLE', detail, { cause: error });
}
