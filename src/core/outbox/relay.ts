import { backoffMs } from '../../lib/backoff.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import { Signal } from '../../lib/signal.ts';
import {
  type Outbox,
  type OutboxBatch,
  type Publisher,
  type Refusal,
  retry,
  type Verdict,
} from './outbox.ts';
import { decodeBatch, encodeMessage, type Message, usualType } from './outbox-batch.ts';

interface RelayDeps {
  outbox: Outbox;
  publisher: Publisher;
  /** Signalled after a commit. */
  signal: Signal;
  onPublished: (events: number, durationMs: number) => void;
  /** `parked`: how many of the refused messages were parked. */
  onRefused: (refusals: Refusal[], parked: number) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

interface RelayOptions {
  /** Approximate number of events that one claim keeps in flight. */
  windowEvents: number;
  /** Longest pause between two reads of an empty outbox; a commit in this process ends it early. */
  maxIdleMs: number;
  /** Rejections of a message, while others are accepted, before it is parked. */
  maxRefusals: number;
}

/** Pause of a lane whose queue accepts nothing: the batches gather meanwhile. */
const refusalPause = { firstMs: 50, maxMs: 1_000 };
const maxBatchesPerClaim = 64;
const firstIdleMs = 25;

/** Publishes batches from the outbox until stopped. Runs in one or more lanes, in any number of processes. */
export class Relay {
  readonly #deps: RelayDeps;
  readonly #options: RelayOptions;
  #eventsPerBatch = 500;
  #isOutageOver = false;
  /**
   * Messages accepted, by type and therefore by queue; distinguishes a rejected message from a queue that
   * rejects all.
   */
  readonly #taken = new Map<string, number>();
  readonly #backlog = new Signal();
  readonly #takenAtRefusal = new Map<string, number>();

  constructor(deps: RelayDeps, options: RelayOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * The first lane wakes on commits. The others wait until a lane finds more than it can carry: with small
   * batches they would only split each other's work.
   */
  async run(lane: number, signal: AbortSignal): Promise<void> {
    const moreWork = lane === 1 ? this.#deps.signal : this.#backlog;
    const { publisher } = this.#deps;
    let failures = 0;
    let refusals = 0;
    let idleMs = firstIdleMs;
    while (!signal.aborted) {
      try {
        await publisher.ready(signal);
        if (this.#isOutageOver) await this.#retryInterrupted();
        const batches = await this.relayOnce();
        failures = 0;
        refusals = publisher.refusing === undefined ? 0 : refusals + 1;
        if (refusals > 0) await pauseBeforeRetry(backoffMs(refusals, refusalPause), signal);
        idleMs = batches > 0 ? firstIdleMs : Math.min(idleMs * 2, this.#options.maxIdleMs);
        if (batches === 0) await moreWork.wait(idleMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  /** A store is available again: delayed batches become due. */
  readonly resume = (): void => {
    this.#isOutageOver = true;
    this.#deps.signal.notify();
  };

  async #retryInterrupted(): Promise<void> {
    this.#isOutageOver = false;
    try {
      await this.#deps.outbox.retryInterrupted();
    } catch (error) {
      this.#isOutageOver = true;
      throw error;
    }
  }

  /** Publishes due batches before a stop, while the broker answers and `signal` permits. */
  async drain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#deps.publisher.notReady === undefined) {
      if ((await this.relayOnce()) === 0) return;
    }
  }

  /**
   * Runs one claim.
   * @returns the number of batches handled
   */
  async relayOnce(): Promise<number> {
    const window = Math.ceil(this.#options.windowEvents / this.#eventsPerBatch);
    const maxBatches = Math.min(window, maxBatchesPerClaim);
    const { publisher } = this.#deps;
    const wasRefusing = publisher.refusing !== undefined;
    let refusals: Refusal[] = [];
    let verdicts: Verdict[] = [];
    const handled = await this.#deps.outbox.claim(maxBatches, async (batches) => {
      if (batches.length === maxBatches) this.#backlog.notify();
      ({ refusals, verdicts } = await this.#publish(batches));
      return verdicts;
    });
    // Report only after the commit, which could have failed.
    const reported = wasRefusing ? refusals.filter(({ byQueue }) => !byQueue) : refusals;
    if (reported.length > 0) this.#deps.onRefused(reported, countParked(verdicts));
    if (wasRefusing && publisher.refusing === undefined) this.resume();
    return handled;
  }

  async #publish(batches: OutboxBatch[]): Promise<{ refusals: Refusal[]; verdicts: Verdict[] }> {
    const startedAt = performance.now();
    const { readable, damaged } = readBatches(batches);
    const all = readable.flatMap(({ messages }) => messages);
    this.#eventsPerBatch = Math.max(1, all.length / batches.length);

    const refusals = await this.#deps.publisher.publish(all);
    failpoint('after-confirm');
    this.#countTaken(all, refusals);
    this.#deps.onPublished(all.length - refusals.length, performance.now() - startedAt);

    const refused = new Map(refusals.map((refusal) => [refusal.message, refusal]));
    const verdicts = readable.map(({ batch, messages }) => this.#judge(batch, messages, refused));
    return { refusals, verdicts: [...verdicts, ...damaged] };
  }

  #countTaken(messages: readonly Message[], refusals: readonly Refusal[]): void {
    const refused = new Set(refusals.map(({ message }) => message));
    for (const message of messages) {
      if (refused.has(message)) continue;
      const type = message.type ?? usualType;
      this.#taken.set(type, (this.#taken.get(type) ?? 0) + 1);
    }
  }

  #judge(batch: OutboxBatch, messages: Message[], refused: ReadonlyMap<Message, Refusal>): Verdict {
    const left = refused.size === 0 ? [] : messages.filter((message) => refused.has(message));
    const [first] = left;
    if (!first) {
      this.#takenAtRefusal.delete(batch.id);
      return { batch, kind: 'published' };
    }
    const error = refused.get(first)?.why ?? '';
    const delayed = {
      batch,
      kind: 'delayed',
      left,
      bytes: Buffer.concat(left.map(encodeMessage)),
      error,
    } as const;
    if (left.some((message) => refused.get(message)?.byQueue)) {
      this.#takenAtRefusal.delete(batch.id);
      return { ...delayed, byQueue: true, retryInMs: backoffMs(batch.interruptions + 1, retry) };
    }
    const taken = this.#taken.get(first.type ?? usualType) ?? 0;
    const othersPassed = taken > (this.#takenAtRefusal.get(batch.id) ?? taken);
    if (batch.attempts + 1 >= this.#options.maxRefusals && othersPassed) {
      this.#takenAtRefusal.delete(batch.id);
      return { batch, kind: 'parked', left, error };
    }
    this.#takenAtRefusal.set(batch.id, taken);
    return { ...delayed, byQueue: false, retryInMs: backoffMs(batch.attempts + 1, retry) };
  }
}

function countParked(verdicts: Verdict[]): number {
  return verdicts.reduce((sum, verdict) => (verdict.kind === 'parked' ? sum + verdict.left.length : sum), 0);
}

/** Separates unreadable batches, which must not block the others. */
function readBatches(batches: OutboxBatch[]): {
  readable: { batch: OutboxBatch; messages: Message[] }[];
  damaged: Verdict[];
} {
  const readable: { batch: OutboxBatch; messages: Message[] }[] = [];
  const damaged: Verdict[] = [];
  for (const batch of batches) {
    try {
      readable.push({ batch, messages: decodeBatch(batch.bytes, batch.createdAt) });
    } catch (error) {
      damaged.push({ batch, kind: 'damaged', error: error instanceof Error ? error.message : String(error) });
    }
  }
  return { readable, damaged };
}
