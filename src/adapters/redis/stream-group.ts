import { hostname } from 'node:os';
import type { ChainableCommander, Redis } from 'ioredis';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { EntrySizes } from './entry-sizes.ts';
import { KnownStreams } from './known-streams.ts';
import { classifyRefusal } from './refusal.ts';
import { refusesEverything } from './refuses-everything.ts';

/** The consumer group on every stream. */
export const streamGroup = 'weir';
export const streamsPerPipeline = 500;
const skippedForMs = 10_000;
/**
 * Above every possible entry id: reading this consumer's pending entries from here returns and changes
 * nothing.
 */
const aboveAllIds = '18446744073709551615-0';

export interface GroupOptions {
  /** The same on every node of a cluster: a stream that moves to another node takes its pending entries along. */
  consumer?: string;
}

export function createConsumerName(): string {
  return `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
}

/** This process as a consumer of the group, and what it knows about the streams. */
export class StreamGroup {
  readonly commands: Redis;
  readonly consumer: string;
  /** Then one command may name the keys of one slot only. */
  readonly isInCluster: boolean;
  readonly known = new KnownStreams();
  readonly sizes = new EntrySizes();
  /** Where to continue reading this consumer's pending entries: of a failed batch, or of a lost reply. */
  readonly again = new Map<string, string>();
  readonly #onWarning: (warning: string) => void;
  /** Until when a stream that cannot be read is not tried again; it is logged once per stream. */
  readonly #skipped = new Map<string, number>();

  constructor(commands: Redis, onWarning: (warning: string) => void, options: GroupOptions = {}) {
    this.commands = commands;
    this.consumer = options.consumer ?? createConsumerName();
    this.isInCluster = options.consumer !== undefined;
    this.#onWarning = onWarning;
  }

  /** Whether to try to join. */
  isNew(stream: string): boolean {
    return !this.known.has(stream) && performance.now() >= (this.#skipped.get(stream) ?? 0);
  }

  /**
   * From the first entry, not from the newest: winners may have been waiting already. A key that cannot be
   * joined, such as one whose name is not UTF-8, must not prevent joining the others.
   */
  async join(streams: readonly string[]): Promise<void> {
    const replies = await this.askEach(streams, (pipeline, stream) =>
      pipeline.xgroup('CREATE', stream, streamGroup, '0'),
    );
    replies.forEach((reply, i) => {
      const stream = streams[i] as string;
      if (!(reply instanceof Error) || reply.message.startsWith('BUSYGROUP')) {
        this.known.add(stream, performance.now());
        // After a failover or a move of the stream this consumer may hold entries already.
        if (this.isInCluster && reply instanceof Error) this.readAgainFromStart(stream);
      } else this.#drop(stream, reply);
    });
  }

  /** All pending entries of this consumer are read once more. */
  readAgainFromStart(stream: string): void {
    this.again.set(stream, '-');
  }

  /**
   * After an error that concerns one of these streams: finds out which one, and recreates its group or drops
   * it.
   */
  async repair(streams: readonly string[]): Promise<void> {
    const replies = await this.askEach(streams, (pipeline, stream) =>
      pipeline.xreadgroup('GROUP', streamGroup, this.consumer, 'COUNT', 1, 'STREAMS', stream, aboveAllIds),
    );
    const withoutGroup: string[] = [];
    replies.forEach((reply, i) => {
      const stream = streams[i] as string;
      if (!(reply instanceof Error)) return;
      if (reply.message.startsWith('NOGROUP')) withoutGroup.push(stream);
      else this.#drop(stream, reply);
    });
    for (const stream of withoutGroup) this.#forget(stream);
    await this.join(withoutGroup);
  }

  /**
   * One command per stream, many in one pipeline; an error for one stream is the result for that stream only.
   */
  async askEach(
    streams: readonly string[],
    add: (pipeline: ChainableCommander, stream: string, index: number) => unknown,
  ): Promise<unknown[]> {
    const answers: unknown[] = [];
    for (let from = 0; from < streams.length; from += streamsPerPipeline) {
      const pipeline = this.commands.pipeline();
      streams.slice(from, from + streamsPerPipeline).forEach((stream, i) => {
        add(pipeline, stream, from + i);
      });
      for (const [error, reply] of (await this.ask(pipeline.exec())) ?? []) {
        if (error && refusesEverything(error)) throw error;
        answers.push(error ?? reply);
      }
    }
    return answers;
  }

  ask<T>(reply: Promise<T>): Promise<T> {
    return withDeadline(this.commands, answerDeadlineMs, reply);
  }

  /**
   * A deleted stream is found again when it is recreated. A name that is not UTF-8 is unknown to Redis in our
   * encoding.
   */
  #drop(stream: string, reason: Error): void {
    this.#forget(stream);
    const isGone = /requires the key to exist/.test(reason.message) && !stream.includes('\ufffd');
    if (isGone || classifyRefusal(reason)?.reason === 'MOVED') return;
    if (!this.#skipped.has(stream))
      this.#onWarning(`cannot read stream ${stream.slice(0, 200)}: ${String(reason)}`);
    this.#skipped.set(stream, performance.now() + skippedForMs);
  }

  #forget(stream: string): void {
    this.known.delete(stream);
    this.sizes.forget(stream);
    this.again.delete(stream);
  }
}
