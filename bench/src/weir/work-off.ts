import type { ChannelModel } from 'amqplib';
import type pg from 'pg';
import { type Bench, queuePrefix, takeProductIds } from '../bench.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import {
  connectTo,
  createDatabase,
  insertProducts,
  readClockMs,
  readWalBytes,
  settleDatabase,
} from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, deleteQueueAtTheEnd, purgeQueue } from '../stores/queue.ts';
import {
  connectToRedis,
  fillStream,
  type RedisClient,
  removeProductKeys,
  streamKey,
} from '../stores/stream.ts';
import { expectComplete } from './expect-complete.ts';
import { followToTheEnd } from './follow.ts';
import { type Program, settingsOf, startWeir } from './program.ts';
import { insertRepeats } from './repeats.ts';

/** Weir between streams and a queue, ready and idle. */
export interface StreamSetup {
  readonly programs: readonly Program[];
  readonly client: pg.Client;
  readonly redis: RedisClient;
  readonly connection: ChannelModel;
  readonly database: string;
  readonly queue: string;
  /**
   * The Redis keys of these products are removed after Weir has stopped, because it would recreate the groups
   * of its streams.
   */
  readonly productIds: number[];
}

export interface StreamOptions {
  /** Part of the names of database and queue. */
  readonly purpose: string;
  readonly roles?: string;
  readonly settings?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  /** An existing database, dropped by the caller. */
  readonly database?: string;
}

export async function startBetweenStreamAndQueue(bench: Bench, options: StreamOptions): Promise<StreamSetup> {
  const { purpose, roles = 'ingest,relay', settings = {}, replicas = 1 } = options;
  const database = options.database ?? (await createDatabase(bench, purpose));
  const client = await connectTo(bench, database);
  const redis = await connectToRedis(bench);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.${purpose}`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  const productIds: number[] = [];
  bench.cleanup.add(`Redis keys of products ${productIds}`, async () => {
    for (const productId of productIds) await removeProductKeys(redis, productId);
  });
  const programs: Program[] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const all = { ...settingsOf(bench, database, queue), ...settings };
    programs.push(await startWeir(bench, ['--roles', roles], all, replica > 0));
  }
  return { programs, client, redis, connection, database, queue, productIds };
}

export interface Backlog {
  readonly count: number;
  /** Number of products over which the entries are spread, each with a stream of its own; default 1. */
  readonly products?: number;
  /** The share of entries whose instance exists already, as after a crash before the acknowledgement. */
  readonly repeats?: number;
  readonly title: string;
  readonly everyMs?: number;
  readonly onLook?: (rows: number) => void;
}

export interface WorkedOff {
  readonly perSecond: number;
  /** From the first commit to the moment when every row exists and no batch waits; PostgreSQL's clock. */
  readonly seconds: number;
  /** From the stream's appearance to the first commit; not part of `seconds`. */
  readonly foundAfterMs: number;
  readonly walBytesEach: number;
  readonly cpuMicrosPerItem: CpuPerItem;
}

/**
 * The whole backlog appears at once, in streams that Weir finds while it runs: filled under another name,
 * then renamed. Throws when anything is missing or duplicated at the end.
 */
export async function workOff(bench: Bench, setup: StreamSetup, backlog: Backlog): Promise<WorkedOff> {
  const { programs, client, redis, connection, queue } = setup;
  const { count, products = 1, repeats = 0 } = backlog;
  const productIds = takeProductIds(products);
  await insertProducts(client, productIds);
  setup.productIds.push(...productIds);
  const streams: { from: string; to: string }[] = [];
  let repeated = 0;
  for (const [nth, productId] of productIds.entries()) {
    const to = streamKey(productId);
    // In a cluster on the node of the stream.
    const from = `weir:bench:${process.pid}:{${to}}`;
    const share = Math.floor(count / products) + (nth < count % products ? 1 : 0);
    const ids = await fillStream(bench, redis, from, share);
    repeated += await insertRepeats(client, { productId, scope: to, ids, share: repeats });
    streams.push({ from, to });
  }
  await purgeQueue(connection, queue);
  await settleDatabase(client);

  const before = takeCpuSnapshot();
  const appearedMs = await readClockMs(client);
  const walBefore = await readWalBytes(client);
  const renames = redis.multi();
  for (const { from, to } of streams) renames.rename(from, to);
  await renames.exec();
  const goal = { ...backlog, productIds, sinceMs: appearedMs };
  const { firstCommitMs, doneMs } = await followToTheEnd(bench, client, programs, goal);
  const cpuMicrosPerItem = cpuPerItem(before, count, ...programs.map(({ pid }) => pid));
  const walBytesEach = ((await readWalBytes(client)) - walBefore) / count;

  const messages = count - repeated;
  await expectComplete(bench, { client, redis, connection, queue, productIds, count, messages });
  const seconds = (doneMs - firstCommitMs) / 1000;
  return {
    perSecond: count / seconds,
    seconds,
    foundAfterMs: Math.round(firstCommitMs - appearedMs),
    walBytesEach,
    cpuMicrosPerItem,
  };
}
