import { type Redis, ReplyError } from 'ioredis';
import type { SeckillStreams, StreamBatch } from '../../core/triggers/seckill-streams.ts';
import { askSale, toStoreUnavailable } from './ask-sale.ts';
import { answerDeadlineMs } from './connect.ts';
import { StreamFinder } from './find-streams.ts';
import { createScript } from './script.ts';
import { deleteIdleConsumer } from './scripts.ts';
import { type GroupOptions, StreamGroup, streamGroup } from './stream-group.ts';
import { StreamReader } from './stream-reader.ts';
import { takeOver, trimStreams } from './stream-upkeep.ts';

/** A sale of Weir without a sold unit has no stream to join yet: at most this many are tried per scan. */
const unsoldPerScan = 500;
const streamsPerLeave = 500;

const leaveStream = createScript(deleteIdleConsumer);

/** Consumer group `weir` on every stream:seckill:*. `reader` is used only for the blocking read. */
export class RedisSeckillStreams implements SeckillStreams {
  readonly #commands: Redis;
  readonly #group: StreamGroup;
  readonly #finder: StreamFinder;
  readonly #reader: StreamReader;
  readonly #onWarning: (warning: string) => void;
  #unsoldFrom = 0;
  #mayClaim = true;

  constructor(
    commands: Redis,
    reader: Redis,
    onWarning: (warning: string) => void = () => {},
    options: GroupOptions = {},
  ) {
    this.#commands = commands;
    this.#onWarning = onWarning;
    this.#group = new StreamGroup(commands, onWarning, options);
    this.#finder = new StreamFinder(commands);
    this.#reader = new StreamReader(this.#group, reader);
  }

  /**
   * Sends an XADD for each list of alternating names and values. @returns their ids @throws WeirError
   * STORE_UNAVAILABLE
   */
  async add(stream: string, entries: readonly string[][]): Promise<string[]> {
    const pipeline = this.#commands.pipeline();
    for (const fields of entries) pipeline.xadd(stream, '*', ...fields);
    const reply = askSale<[Error | null, unknown][]>(this.#commands, answerDeadlineMs, pipeline.exec());
    const replies = (await reply) ?? [];
    return replies.map(([error, id]) => {
      if (error) throw toStoreUnavailable(error);
      return String(id);
    });
  }

  async discover(): Promise<void> {
    const isNew = (stream: string) => this.#group.isNew(stream);
    // The set of them is on one node of a cluster.
    const own = this.#group.isInCluster ? [] : (await this.#finder.findOwn()).filter(isNew);
    if (this.#unsoldFrom >= own.length) this.#unsoldFrom = 0;
    const some = own.slice(this.#unsoldFrom, this.#unsoldFrom + unsoldPerScan);
    this.#unsoldFrom += unsoldPerScan;
    const exist = await this.#group.askEach(some, (pipeline, stream) => pipeline.exists(stream));
    await this.#group.join(some.filter((_, i) => exist[i] === 1));
    const found = new Set(await this.#finder.scan());
    await this.#group.join([...found].filter(isNew));
  }

  /** Streams that are read here. */
  known(): string[] {
    return this.#group.known.all();
  }

  /** Reads these from now on, without waiting until they are found. */
  async adopt(streams: readonly string[]): Promise<void> {
    await this.#group.join(streams.filter((stream) => this.#group.isNew(stream)));
  }

  read(count: number, blockMs: number, except: ReadonlySet<string> = new Set()): Promise<StreamBatch[]> {
    return this.#reader.read(count, blockMs, except);
  }

  takeOver(
    count: number,
    minIdleMs: number,
    except: ReadonlySet<string> = new Set(),
  ): Promise<StreamBatch[]> {
    return takeOver(this.#group, count, minIdleMs, except);
  }

  async readAgain(stream: string): Promise<void> {
    this.#group.again.set(stream, '-');
  }

  async keep(stream: string, ids: readonly string[]): Promise<void> {
    await this.#claim(stream, ids, []);
  }

  async setDeliveries(stream: string, id: string, deliveries: number): Promise<void> {
    await this.#claim(stream, [id], ['RETRYCOUNT', deliveries]);
  }

  async readOriginals(stream: string, ids: readonly string[]): Promise<Buffer[][]> {
    const pipeline = this.#commands.pipeline();
    for (const id of ids) pipeline.xrangeBuffer(stream, id, id);
    const replies = (await this.#group.ask(pipeline.exec())) ?? [];
    return replies.map(([error, found]) => {
      if (error) throw error;
      const [entry] = found as [id: Buffer, fields: Buffer[]][];
      return entry?.[1] ?? [];
    });
  }

  async acknowledge(stream: string, ids: readonly string[]): Promise<void> {
    await this.#group.ask(this.#commands.xack(stream, streamGroup, ...ids));
  }

  trim(keepMs: number): Promise<void> {
    return trimStreams(this.#group, keepMs);
  }

  /**
   * Deletes this consumer from the groups, except where it has pending entries: another consumer must find
   * those.
   */
  async leave(): Promise<void> {
    const streams = this.#group.known.all();
    for (let from = 0; from < streams.length; from += streamsPerLeave) {
      const some = streams.slice(from, from + streamsPerLeave);
      await Promise.allSettled(
        some.map((stream) =>
          this.#group.ask(leaveStream(this.#commands, [stream], streamGroup, this.#group.consumer)),
        ),
      );
    }
  }

  /** Claims entries for this same consumer, which resets their idle time and counts no delivery. */
  async #claim(stream: string, ids: readonly string[], options: (string | number)[]): Promise<void> {
    if (!this.#mayClaim) return;
    const args = [stream, streamGroup, this.#group.consumer, 0, ...ids, ...options, 'JUSTID'];
    try {
      await this.#group.ask(this.#commands.call('XCLAIM', ...args.map(String)));
    } catch (error) {
      if (!(error instanceof ReplyError && (error as Error).message.startsWith('NOPERM'))) throw error;
      this.#mayClaim = false;
      this.#onWarning(
        `cannot reset the idle time of entries that are being processed: ${(error as Error).message}`,
      );
    }
  }
}
