import { backoffMs } from '../../lib/backoff.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import type { Sql } from '../../lib/sql.ts';
import { Wake } from '../../lib/wake.ts';
import { decodeFrame, encodeMessage, type Message, usualType } from './outbox-batch.ts';

/** CREATED: the first announcement of instances. AGAIN: a further one. RELEASE and REFUND: requests to others. */
export type FrameKind = 'CREATED' | 'AGAIN' | 'RELEASE' | 'REFUND';

export interface Frame {
  id: string;
  kind: FrameKind;
  events: number;
  /** Refusals of the broker. */
  attempts: number;
  /** Claims that broke off: the transport's fault, which counts against no frame. */
  interruptions: number;
  bytes: Buffer;
  createdAt: Date;
}

/** What became of a claimed frame; a frame without a verdict stays as it is. */
export type Verdict =
  | { frame: Frame; kind: 'announced' }
  /** Only `left` is still to be announced, not before `retryInMs`. */
  | { frame: Frame; kind: 'delayed'; left: Message[]; bytes: Buffer; retryInMs: number; error: string }
  | { frame: Frame; kind: 'parked'; left: Message[]; error: string }
  | { frame: Frame; kind: 'damaged'; error: string };

export interface Outbox {
  /**
   * Lends the oldest due frames (at most `maxFrames`) to `work` and carries out its verdicts. While `work` runs nobody
   * else gets them. When it throws, or this process dies, they are free again at once.
   *
   * @returns how many frames were lent
   */
  claim(maxFrames: number, work: (frames: Frame[], sql: Sql) => Promise<Verdict[]>): Promise<number>;
  /** Makes frames due that a broken claim had put off. */
  retryInterrupted(): Promise<void>;
  /** Events that wait to be announced. */
  countWaiting(): Promise<number>;
}

export interface Refusal {
  message: Message;
  why: string;
}

export interface Publisher {
  /**
   * Resolves when the queue has every message for good, except those it lists as refused (returned or nacked).
   * `sql` is the transaction that holds the frames, for a queue that lives in the same database.
   *
   * @throws when nothing is known: connection lost, deadline passed
   */
  publish(messages: Message[], sql: Sql): Promise<Refusal[]>;
  /** undefined while the queue can be reached, else why not. */
  readonly notReady: string | undefined;
  /** Resolves when the queue can be reached. Rejects on abort. */
  ready(signal: AbortSignal): Promise<void>;
}

export interface RelayParts {
  outbox: Outbox;
  publisher: Publisher;
  /** Rung after a commit. */
  wake: Wake;
  onAnnounced: (events: number, lastedMs: number) => void;
  /** `parked`: how many of them were given up on. */
  onRefused: (refusals: Refusal[], parked: number) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface RelayOptions {
  /** Events that one claim has in flight, about. */
  windowEvents: number;
  /** Longest time between two looks at an outbox that was empty; a commit of this process rings sooner. */
  maxIdleMs: number;
  /** Times a message may be refused, while others pass, before it is parked. */
  maxRefusals: number;
}

/** Between two tries of the same frame. */
export const retry = { firstMs: 200, maxMs: 30_000 };
const maxFramesPerClaim = 64;
const firstIdleMs = 25;

/** Takes frames from the outbox to the broker until stopped; run one or more lanes, in any number of processes. */
export class Relay {
  readonly #parts: RelayParts;
  readonly #options: RelayOptions;
  #eventsPerFrame = 500;
  #isOutageOver = false;
  /** By type, and so by queue; grows with every message taken: tells a refused message from a queue that refuses all. */
  readonly #taken = new Map<string, number>();
  readonly #backlog = new Wake();
  readonly #takenAtRefusal = new Map<string, number>();

  constructor(parts: RelayParts, options: RelayOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /**
   * The first lane answers to commits. The others wait until a lane has found more than it could carry: with small
   * frames they would only halve each other's work.
   */
  async run(lane: number, signal: AbortSignal): Promise<void> {
    const wake = lane === 1 ? this.#parts.wake : this.#backlog;
    let failures = 0;
    let idleMs = firstIdleMs;
    while (!signal.aborted) {
      try {
        await this.#parts.publisher.ready(signal);
        if (this.#isOutageOver) await this.#retryInterrupted();
        const frames = await this.relayOnce();
        failures = 0;
        idleMs = frames > 0 ? firstIdleMs : Math.min(idleMs * 2, this.#options.maxIdleMs);
        if (frames === 0) await wake.wait(idleMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#parts.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  /** A store was unavailable and works again: what was put off meanwhile is due. */
  readonly resume = (): void => {
    this.#isOutageOver = true;
    this.#parts.wake.ring();
  };

  async #retryInterrupted(): Promise<void> {
    this.#isOutageOver = false;
    try {
      await this.#parts.outbox.retryInterrupted();
    } catch (error) {
      this.#isOutageOver = true;
      throw error;
    }
  }

  /** Announces what is due before a stop, for as long as the broker answers and `signal` allows. */
  async drain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#parts.publisher.notReady === undefined) {
      if ((await this.relayOnce()) === 0) return;
    }
  }

  /** One claim. @returns how many frames were handled */
  async relayOnce(): Promise<number> {
    const window = Math.ceil(this.#options.windowEvents / this.#eventsPerFrame);
    const maxFrames = Math.min(window, maxFramesPerClaim);
    let refusals: Refusal[] = [];
    let verdicts: Verdict[] = [];
    const handled = await this.#parts.outbox.claim(maxFrames, async (frames, sql) => {
      if (frames.length === maxFrames) this.#backlog.ring();
      ({ refusals, verdicts } = await this.#announce(frames, sql));
      return verdicts;
    });
    // Only now is anything parked: the commit could have failed.
    if (refusals.length > 0) this.#parts.onRefused(refusals, countParked(verdicts));
    return handled;
  }

  async #announce(frames: Frame[], sql: Sql): Promise<{ refusals: Refusal[]; verdicts: Verdict[] }> {
    const startedAt = performance.now();
    const { readable, damaged } = readFrames(frames);
    const all = readable.flatMap(({ messages }) => messages);
    this.#eventsPerFrame = Math.max(1, all.length / frames.length);

    const refusals = await this.#parts.publisher.publish(all, sql);
    failpoint('after-confirm');
    this.#countTaken(all, refusals);
    this.#parts.onAnnounced(all.length - refusals.length, performance.now() - startedAt);

    const why = new Map(refusals.map((refusal) => [refusal.message, refusal.why]));
    const verdicts = readable.map(({ frame, messages }) => this.#judge(frame, messages, why));
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

  #judge(frame: Frame, messages: Message[], refused: ReadonlyMap<Message, string>): Verdict {
    const left = refused.size === 0 ? [] : messages.filter((message) => refused.has(message));
    const [first] = left;
    if (!first) {
      this.#takenAtRefusal.delete(frame.id);
      return { frame, kind: 'announced' };
    }
    const error = refused.get(first) ?? '';
    const taken = this.#taken.get(first.type ?? usualType) ?? 0;
    const othersPassed = taken > (this.#takenAtRefusal.get(frame.id) ?? taken);
    if (frame.attempts + 1 >= this.#options.maxRefusals && othersPassed) {
      this.#takenAtRefusal.delete(frame.id);
      return { frame, kind: 'parked', left, error };
    }
    this.#takenAtRefusal.set(frame.id, taken);
    const bytes = Buffer.concat(left.map(encodeMessage));
    return { frame, kind: 'delayed', left, bytes, retryInMs: backoffMs(frame.attempts + 1, retry), error };
  }
}

function countParked(verdicts: Verdict[]): number {
  return verdicts.reduce((sum, verdict) => (verdict.kind === 'parked' ? sum + verdict.left.length : sum), 0);
}

/** A frame that cannot be read must not stand in the way of the others for ever. */
function readFrames(frames: Frame[]): {
  readable: { frame: Frame; messages: Message[] }[];
  damaged: Verdict[];
} {
  const readable: { frame: Frame; messages: Message[] }[] = [];
  const damaged: Verdict[] = [];
  for (const frame of frames) {
    try {
      readable.push({ frame, messages: decodeFrame(frame.bytes, frame.createdAt) });
    } catch (error) {
      damaged.push({ frame, kind: 'damaged', error: error instanceof Error ? error.message : String(error) });
    }
  }
  return { readable, damaged };
}
