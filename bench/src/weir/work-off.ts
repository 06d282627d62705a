import type { ChannelModel } from 'amqplib';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { type Bench, queuePrefix } from '../bench.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import {
  connectTo,
  createDatabase,
  insertProducts,
  readClockMs,
  settleDatabase,
} from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, deleteQueueAtTheEnd, purgeQueue } from '../stores/queue.ts';
import { connectToRedis, fillStream, removeProductKeys, streamKey } from '../stores/stream.ts';
import { expectComplete } from './expect-complete.ts';
import { followToTheEnd } from './follow.ts';
import { type Program, settingsOf, startWeir } from './program.ts';

/** Weir between a stream and a queue, ready and idle. */
export interface StreamSetup {
  readonly program: Program;
  readonly client: pg.Client;
  readonly redis: Redis;
  readonly connection: ChannelModel;
  readonly database: string;
  readonly queue: string;
}

/** Ready for one stream of each of these products. */
export async function startBetweenStreamAndQueue(
  bench: Bench,
  purpose: string,
  productIds: readonly number[],
  roles = 'ingest,relay',
  settings: Readonly<Record<string, string>> = {},
): Promise<StreamSetup> {
  const database = await createDatabase(bench, purpose);
  const client = await connectTo(bench, database);
  const redis = await connectToRedis(bench);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.${purpose}`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  // Before Weir starts, hence removed after it has stopped: it would make the groups of its streams again.
  for (const productId of productIds) {
    bench.cleanup.add(`Redis keys of product ${productId}`, () => removeProductKeys(redis, productId));
  }
  const program = await startWeir(bench, ['--roles', roles], {
    ...settingsOf(bench, database, queue),
    ...settings,
  });
  await insertProducts(client, productIds);
  return { program, client, redis, connection, database, queue };
}

interface Backlog {
  readonly productId: number;
  readonly count: number;
  readonly everyMs: number;
  readonly title: string;
  readonly onLook: (rows: number) => void;
}

export interface WorkedOff {
  /** From the first commit to the moment when every row is there and no batch waits; PostgreSQL's clock. */
  readonly seconds: number;
  /** From the stream's appearance to the first commit; not part of `seconds`. */
  readonly foundAfterMs: number;
  readonly cpuMicrosPerItem: CpuPerItem;
}

/**
 * The whole backlog appears at once, in a stream that Weir finds while it runs: filled under another name,
 * then renamed. Throws when anything is missing or there twice in the end.
 */
export async function workOff(bench: Bench, setup: StreamSetup, backlog: Backlog): Promise<WorkedOff> {
  const { program, client, redis, connection, queue } = setup;
  const { productId, count } = backlog;
  const preloaded = `weir:bench:${process.pid}:${productId}`;
  await fillStream(bench, redis, preloaded, count);
  await purgeQueue(connection, queue);
  await settleDatabase(client);

  const before = takeCpuSnapshot();
  const appearedMs = await readClockMs(client);
  await redis.rename(preloaded, streamKey(productId));
  const { firstCommitMs, doneMs } = await followToTheEnd(bench, client, program, backlog);
  const cpuMicrosPerItem = cpuPerItem(before, count, program.pid);

  await expectComplete(bench, { client, redis, connection, queue, productId, count });
  return {
    seconds: (doneMs - firstCommitMs) / 1000,
    foundAfterMs: Math.round(firstCommitMs - appearedMs),
    cpuMicrosPerItem,
  };
}
