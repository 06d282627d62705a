import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { type Redis, ReplyError } from 'ioredis';
import { streamPrefix } from '../triggers/seckill-key.ts';
import type { EntryFields, SeckillStreams, StreamBatch, StreamEntry } from '../triggers/seckill-stream.ts';
import { withDeadline } from './connect.ts';
import { deleteIdleConsumer, trimFinished } from './scripts.ts';

/** Of consumers, on every stream. */
export const streamGroup = 'weir';
const group = streamGroup;
const answerDeadlineMs = 10_000;
/** Keys that one look for new streams goes through at most; the next look goes on from there. */
const scanStepsPerLook = 20;
const trimStepsPerStream = 50;

type RawEntry = [id: string, fields: string[] | null];
type RawRead = [stream: string, entries: RawEntry[]][] | null;

/** Consumer group `weir` on every stream:seckill:*. `reader` is used for nothing but the blocking read. */
export class RedisSeckillStreams implements SeckillStreams {
  readonly #commands: Redis;
  readonly #reader: Redis;
  readonly #consumer: string;
  readonly #onWarning: (warning: string) => void;
  readonly #streams = new Set<string>();
  /** Warned about once. */
  readonly #skipped = new Set<string>();
  #scanCursor = '0';
  /** Where to go on through our own pending entries: after a lost reply some were handed to us unseen. */
  #reread = new Map<string, string>();

  constructor(commands: Redis, reader: Redis, onWarning: (warning: string) => void = () => {}) {
    this.#onWarning = onWarning;
    this.#commands = commands;
    this.#reader = reader;
    this.#consumer = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  }

  /** XADD for each list of alternating names and values. @returns their ids */
  async add(stream: string, entries: readonly string[][]): Promise<string[]> {
    const pipeline = this.#commands.pipeline();
    for (const fields of entries) pipeline.xadd(stream, '*', ...fields);
    const replies = (await this.#ask(pipeline.exec())) ?? [];
    return replies.map(([error, id]) => {
      if (error) throw error;
      return String(id);
    });
  }

  async discover(): Promise<void> {
    for (let step = 0; step < scanStepsPerLook; step++) {
      const [cursor, keys] = await this.#ask(
        this.#commands.scan(this.#scanCursor, 'MATCH', `${streamPrefix}*`, 'COUNT', 1000, 'TYPE', 'stream'),
      );
      this.#scanCursor = cursor;
      for (const key of keys) if (!this.#streams.has(key)) await this.#joinIfPossible(key);
      if (cursor === '0') return;
    }
  }

  async read(count: number, blockMs: number): Promise<StreamBatch[]> {
    if (this.#streams.size === 0) {
      await delay(blockMs);
      return [];
    }
    try {
      if (this.#reread.size > 0) return await this.#readOwnPending(count);
      const streams = [...this.#streams];
      const reply = this.#reader.xreadgroup(
        ...(['GROUP', group, this.#consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS'] as const),
        ...streams,
        ...streams.map(() => '>'),
      );
      return toBatches(
        await withDeadline(this.#reader, blockMs + answerDeadlineMs, reply as Promise<RawRead>),
      );
    } catch (error) {
      await this.#recover(error);
      return [];
    }
  }

  async takeOver(count: number, minIdleMs: number): Promise<StreamBatch[]> {
    const batches: StreamBatch[] = [];
    for (const stream of await this.#keepStreams()) {
      const [, claimed, gone = []] = (await this.#ask(
        this.#commands.xautoclaim(stream, group, this.#consumer, minIdleMs, '0', 'COUNT', count),
      )) as [string, (RawEntry | null)[], string[]?];
      const present = claimed.filter((entry) => entry !== null);
      // Redis 7 names the entries that were trimmed or deleted while they were pending; before, they come as null and
      // are ours now without a name: reading our own pending entries again finds it.
      if (present.length < claimed.length) this.#reread.set(stream, '0');
      const entries = [
        ...(present.length > 0 ? await this.#countDeliveries(stream, present) : []),
        ...gone.map((id) => ({ id, fields: undefined, deliveries: 1 })),
      ];
      if (entries.length > 0) batches.push({ stream, entries });
    }
    return batches;
  }

  async readOriginal(stream: string, id: string): Promise<Buffer[]> {
    const [entry] = await this.#ask(this.#commands.xrangeBuffer(stream, id, id));
    return entry?.[1] ?? [];
  }

  async acknowledge(stream: string, ids: readonly string[]): Promise<void> {
    await this.#ask(this.#commands.xack(stream, group, ...ids));
  }

  async trim(keepMs: number): Promise<void> {
    const [seconds, micros] = await this.#ask(this.#commands.time());
    const oldest = `${Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - keepMs}-0`;
    for (const stream of await this.#keepStreams()) {
      for (let step = 0; step < trimStepsPerStream; step++) {
        if ((await this.#ask(this.#commands.eval(trimFinished, 1, stream, oldest))) === 0) break;
      }
    }
  }

  /** Leaves the groups, except where entries are still pending for us: those somebody else must find. */
  async leave(): Promise<void> {
    for (const stream of this.#streams) {
      await this.#ask(this.#commands.eval(deleteIdleConsumer, 1, stream, group, this.#consumer));
    }
  }

  async #readOwnPending(count: number): Promise<StreamBatch[]> {
    const streams = [...this.#reread.keys()];
    const reply = this.#commands.xreadgroup(
      ...(['GROUP', group, this.#consumer, 'COUNT', count, 'STREAMS'] as const),
      ...streams,
      ...this.#reread.values(),
    );
    const batches = toBatches((await this.#ask(reply)) as RawRead);
    for (const stream of streams) {
      const last = batches.find((batch) => batch.stream === stream)?.entries.at(-1);
      if (last) this.#reread.set(stream, last.id);
      else this.#reread.delete(stream);
    }
    return batches.filter(({ entries }) => entries.length > 0);
  }

  /**
   * NOGROUP: somebody flushed Redis or destroyed a group. WRONGTYPE: a key is no stream any more. One such key fails the
   * read of all. Anything else may have cost us a reply.
   */
  async #recover(error: unknown): Promise<void> {
    if (!(error instanceof Error && /^(NOGROUP|WRONGTYPE)/.test(error.message))) {
      for (const stream of this.#streams) this.#reread.set(stream, '0');
      throw error;
    }
    this.#reread.clear();
    for (const stream of await this.#keepStreams()) await this.#joinIfPossible(stream);
  }

  /** Forgets keys that are gone or are no streams any more. @returns those that are left */
  async #keepStreams(): Promise<string[]> {
    const known = [...this.#streams];
    const pipeline = this.#commands.pipeline();
    for (const stream of known) pipeline.type(stream);
    const types = (await this.#ask(pipeline.exec())) ?? [];
    const left = known.filter((_, i) => types[i]?.[1] === 'stream');
    for (const stream of known) if (!left.includes(stream)) this.#streams.delete(stream);
    return left;
  }

  /** A key that cannot be joined, such as one whose name is not UTF-8, must not keep us from the others. */
  async #joinIfPossible(stream: string): Promise<void> {
    try {
      await this.#join(stream);
    } catch (error) {
      if (!(error instanceof ReplyError)) throw error;
      this.#streams.delete(stream);
      if (!this.#skipped.has(stream)) this.#onWarning(`stream ${stream} cannot be read: ${String(error)}`);
      this.#skipped.add(stream);
    }
  }

  /** From the first entry, not from now: winners may have been waiting before anybody looked. */
  async #join(stream: string): Promise<void> {
    try {
      await this.#ask(this.#commands.xgroup('CREATE', stream, group, '0'));
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error;
    }
    this.#streams.add(stream);
  }

  async #countDeliveries(stream: string, entries: RawEntry[]): Promise<StreamEntry[]> {
    const first = entries[0]?.[0] ?? '-';
    const last = entries.at(-1)?.[0] ?? '+';
    const pending = (await this.#ask(
      this.#commands.xpending(stream, group, first, last, entries.length, this.#consumer),
    )) as [id: string, consumer: string, idleMs: number, deliveries: number][];
    const counts = new Map(pending.map(([id, , , deliveries]) => [id, deliveries]));
    return entries.map(([id, fields]) => toEntry(id, fields, counts.get(id) ?? 1));
  }

  #ask<T>(reply: Promise<T>): Promise<T> {
    return withDeadline(this.#commands, answerDeadlineMs, reply);
  }
}

function toBatches(reply: RawRead): StreamBatch[] {
  return (reply ?? []).map(([stream, entries]) => ({
    stream,
    entries: entries.map(([id, fields]) => toEntry(id, fields, 1)),
  }));
}

function toEntry(id: string, flat: string[] | null, deliveries: number): StreamEntry {
  if (!flat || flat.length === 0) return { id, fields: undefined, deliveries };
  const fields: EntryFields = { uid: undefined, traceparent: undefined };
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i] as keyof EntryFields;
    if (known.has(name)) fields[name] = flat[i + 1] as string;
  }
  return { id, fields, deliveries };
}

const known: ReadonlySet<keyof EntryFields> = new Set(['uid', 'traceparent', 'unit', 'key']);
