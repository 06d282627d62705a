import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { ReplyError } from 'ioredis';
import type { StreamBatch } from '../../core/triggers/seckill-streams.ts';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { pollStreams } from './poll-streams.ts';
import { readAgain } from './read-again.ts';
import { readAtOnce, readOn } from './read-at-once.ts';
import { refusesEverything } from './refuses-everything.ts';
import { type RawRead, toBatches } from './stream-entries.ts';
import { type StreamGroup, streamGroup } from './stream-group.ts';

/**
 * Each read of the quiet streams names all of them, so it blocks for long, unless more streams have become
 * quiet.
 */
const quietBlockMs = { first: 500, longest: 20_000 };
const quietRetryMs = 250;
const maxQuietFailures = 5;

interface Reading {
  isQuiet: boolean;
  streams: readonly string[];
  /** How many entries of each stream were requested. */
  count: number;
  reply?: RawRead;
  error?: unknown;
}

type Except = ReadonlySet<string>;

/**
 * Reads new entries with two blocking connections: one for the busy streams, polled continuously, and one for
 * the quiet streams, of which there may be ten thousand. A pending read is kept across calls until it is
 * answered.
 */
export class StreamReader {
  readonly #group: StreamGroup;
  readonly #reader: Redis;
  #quietReader: Redis | undefined;
  #busyRead: Promise<Reading> | undefined;
  #quietRead: Promise<Reading> | undefined;
  #quietBlockMs = quietBlockMs.first;
  #quietFailures = 0;
  #hasJustReadHeavy = false;

  constructor(group: StreamGroup, reader: Redis) {
    this.#group = group;
    this.#reader = reader;
  }

  async read(count: number, blockMs: number, except: Except): Promise<StreamBatch[]> {
    const again = await readAgain(this.#group, count, except);
    if (again.length > 0) return again;
    const busy = this.#group.known.busy(performance.now()).filter((stream) => !except.has(stream));
    const heavy = busy.filter((stream) => this.#group.sizes.isHeavy(stream));
    if (heavy.length > 0 && !this.#hasJustReadHeavy) {
      const batches = await this.#readHeavy(heavy, count);
      this.#hasJustReadHeavy = batches.length > 0;
      if (batches.length > 0) return batches;
    }
    const waitMs = this.#hasJustReadHeavy ? 1 : blockMs;
    this.#hasJustReadHeavy = false;
    const light = heavy.length > 0 ? busy.filter((stream) => !heavy.includes(stream)) : busy;
    return this.#readNew(light, count, waitMs);
  }

  async #readNew(busy: readonly string[], count: number, blockMs: number): Promise<StreamBatch[]> {
    this.#busyRead ??= this.#waitForBusy(busy, this.#group.sizes.countForMany(count), blockMs);
    this.#quietRead ??= this.#waitForQuiet();
    const reading = await Promise.race(
      [this.#busyRead, this.#quietRead].filter((read) => read !== undefined),
    );
    if (reading.isQuiet) this.#quietRead = undefined;
    else this.#busyRead = undefined;
    if (reading.error !== undefined) {
      await this.#recover(reading);
      return [];
    }
    if (!reading.reply) return [];
    this.#quietFailures = 0;
    const batches = await readOn(this.#group, toBatches(reading.reply), reading.count, count);
    this.#note(batches);
    return batches;
  }

  #note(batches: readonly StreamBatch[]): void {
    this.#group.sizes.learn(batches);
    this.#group.known.markBusy(
      batches.map(({ stream }) => stream),
      performance.now(),
    );
  }

  async #waitForBusy(streams: readonly string[], count: number, blockMs: number): Promise<Reading> {
    if (streams.length === 0) {
      await delay(blockMs);
      return { isQuiet: false, streams, count, reply: null };
    }
    return { isQuiet: false, ...(await this.#wait(this.#reader, streams, count, blockMs)) };
  }

  /** undefined while no stream is quiet. */
  #waitForQuiet(): Promise<Reading> | undefined {
    const { known } = this.#group;
    const blockMs = known.hasUnwatched
      ? quietBlockMs.first
      : Math.min(quietBlockMs.longest, this.#quietBlockMs * 2);
    const streams = known.watchQuiet();
    if (streams.length === 0) return undefined;
    this.#quietBlockMs = blockMs;
    const redis = this.#openQuietReader();
    const wait = async (): Promise<Reading> => {
      if (this.#quietFailures > 0 || redis.status !== 'ready') await delay(quietRetryMs);
      // One entry of each: ten thousand streams may have some.
      return { isQuiet: true, ...(await this.#wait(redis, streams, 1, blockMs)) };
    };
    return wait();
  }

  #openQuietReader(): Redis {
    if (this.#quietReader) return this.#quietReader;
    const redis = this.#reader.duplicate();
    // Each failure is also the result of the pending read.
    redis.on('error', () => {});
    this.#reader.once('end', () => redis.disconnect());
    this.#quietReader = redis;
    return redis;
  }

  async #wait(redis: Redis, streams: readonly string[], count: number, blockMs: number) {
    const { consumer, isInCluster } = this.#group;
    try {
      if (isInCluster && streams.length > 1) {
        return { streams, count, reply: await pollStreams(this.#group, redis, { streams, count, blockMs }) };
      }
      const args = ['GROUP', streamGroup, consumer, 'COUNT', count, 'BLOCK', blockMs, 'STREAMS'];
      const reply = redis.callBuffer('XREADGROUP', ...args, ...streams, ...streams.map(() => '>'));
      return {
        streams,
        count,
        reply: (await withDeadline(redis, blockMs + answerDeadlineMs, reply)) as RawRead,
      };
    } catch (error) {
      return { streams, count, error };
    }
  }

  /**
   * NOGROUP: Redis was flushed or a group destroyed. WRONGTYPE: a key is no longer a stream. One such key
   * fails the read of all. When the connection failed, a reply with entries may have been lost.
   */
  async #recover({ error, streams, isQuiet }: Reading): Promise<void> {
    if (!(error instanceof ReplyError)) for (const stream of streams) this.#group.readAgainFromStart(stream);
    if (isQuiet) this.#quietFailures++;
    if (!refusesEverything(error)) {
      await this.#group.repair(streams);
      this.#quietFailures = 0;
    } else if (!isQuiet || this.#quietFailures % maxQuietFailures === 0) throw error;
  }

  /** Reads one of them per call. */
  async #readHeavy(streams: readonly string[], count: number): Promise<StreamBatch[]> {
    const { sizes } = this.#group;
    for (const stream of streams) {
      const some = await readAtOnce(this.#group, [{ stream }], [sizes.countForOne(stream, count)]);
      const entries = some[0] ?? [];
      if (entries.length === 0) continue;
      const batches = [{ stream, entries }];
      this.#note(batches);
      return batches;
    }
    return [];
  }
}
