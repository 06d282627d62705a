import type { ChannelModel } from 'amqplib';
import type { Redis } from 'ioredis';
import pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { bestOf, formatRate, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, openConfirmChannel } from '../stores/queue.ts';
import { connectToRedis, fillStream, streamKey } from '../stores/stream.ts';
import { runSeedFlow, seedGroup } from './seed-flow.ts';
import { createPeerTables } from './tables.ts';

const concurrencies = [1, 16, 32, 64, 128];

// More connections than this make two cores slower, not faster, and a default server has 100 for everybody.
const mostConnections = 32;

// More than any run gets through in its time.
const mostEntriesPerSecond = 15_000;

export interface SeedRun {
  readonly concurrency: number;
  readonly poolSize: number;
  readonly purchases: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuMicrosPerItem: CpuPerItem;
}

export interface SeedResult {
  readonly runs: readonly SeedRun[];
  readonly best: SeedRun;
}

/** The seed's document as it is written, in TypeScript: every purchase alone, whatever the concurrency. */
export async function measureSeed(bench: Bench, results: Results): Promise<void> {
  const database = await createDatabase(bench, 'seed');
  const client = await connectTo(bench, database);
  await createPeerTables(client);
  await insertProducts(client, [firstProductId]);
  const redis = await connectToRedis(bench);
  const connection = await connectToBroker(bench);

  const runs: SeedRun[] = [];
  for (const concurrency of concurrencies) {
    await client.query('TRUNCATE instance_logs');
    await settleDatabase(client);
    const run = await runOnce(bench, { database, redis, connection, concurrency });
    await expectRows(client, run.purchases);
    bench.progress.say(`  seed, ${concurrency} in flight: ${formatRate(run.perSecond)}`);
    runs.push(run);
    results.seed = { runs, best: bestOf(runs) };
  }
}

interface Setup {
  readonly database: string;
  readonly redis: Redis;
  readonly connection: ChannelModel;
  readonly concurrency: number;
}

async function runOnce(bench: Bench, { database, redis, connection, concurrency }: Setup): Promise<SeedRun> {
  const mark = bench.cleanup.mark();
  const { count, seconds: longest } = bench.options;
  const key = streamKey(firstProductId);
  const entries = Math.min(count, longest * mostEntriesPerSecond);
  await fillStream(bench, redis, key, entries);
  await redis.xgroup('CREATE', key, seedGroup, '0');
  const queue = `${queuePrefix}.seed.${concurrency}`;
  await createQuorumQueue(bench, connection, queue);
  const channel = await openConfirmChannel(bench);
  const poolSize = Math.min(concurrency, mostConnections);
  const pool = new pg.Pool({ connectionString: database, max: poolSize, idleTimeoutMillis: 0 });
  pool.on('error', () => {}); // the next query says it
  bench.cleanup.add('pool of the seed flow', () => pool.end());
  await Promise.all(Array.from({ length: poolSize }, () => pool.query('SELECT pg_sleep(0.05)')));

  const before = takeCpuSnapshot();
  const startedAt = performance.now();
  const isOver = () => bench.signal.aborted || performance.now() - startedAt > longest * 1000;
  const flow = { redis, pool, channel, queue, streamKey: key, productId: firstProductId };
  const purchases = await runSeedFlow(flow, concurrency, isOver, () =>
    bench.progress.tick(`seed, ${concurrency} in flight`, performance.now() - startedAt, longest * 1000),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMicrosPerItem = cpuPerItem(before, purchases);

  await bench.cleanup.unwind(mark);
  const perSecond = ratePerSecond(purchases, seconds);
  return { concurrency, poolSize, purchases, seconds, perSecond, cpuMicrosPerItem };
}

async function expectRows(client: pg.Client, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>('SELECT count(*) FROM instance_logs');
  if (Number(rows[0]?.count) !== expected) {
    throw new Error(`the seed's flow finished ${expected} purchases and left ${rows[0]?.count} rows`);
  }
}
