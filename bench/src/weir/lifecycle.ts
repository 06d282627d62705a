import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, firstProductId } from '../bench.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { formatRate, medianOf, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { settleDatabase } from '../stores/database.ts';
import { fillStream, streamKey } from '../stores/stream.ts';
import { readMetrics } from './metrics.ts';
import { type Program, settingsOf, startCommand } from './program.ts';
import { type StreamSetup, startBetweenStreamAndQueue } from './work-off.ts';

// Beside those of the other measures.
const productIds = Array.from({ length: 3 }, (_, run) => firstProductId + 20 + run);
const lookEveryMs = 100;
const stalledAfterMs = 60_000;

export interface LifecycleRun {
  readonly purchases: number;
  /** From the first commit to the last settled row; PostgreSQL's clock. */
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuMicrosPerItem: CpuPerItem;
  readonly resourceCpuMicros: number | undefined;
}

export interface LifecycleResult {
  readonly runs: readonly LifecycleRun[];
  readonly median: LifecycleRun;
}

/** A stream of purchases, through a Resource Domain in a process of its own that answers at once, to SUCCESS. */
export async function measureLifecycle(bench: Bench, results: Results): Promise<void> {
  const setup = await startBetweenStreamAndQueue(bench, 'lifecycle', productIds, 'ingest,relay,settle');
  const settings = settingsOf(bench, setup.database, setup.queue);
  const resource = await startCommand(bench, ['resource', '--delay', '0'], settings);
  const runs: LifecycleRun[] = [];
  for (const productId of productIds) {
    runs.push(await runOnce(bench, setup, resource, productId));
    const run = runs.at(-1) as LifecycleRun;
    bench.progress.say(
      `  lifecycle, run ${runs.length} of ${productIds.length}: ${formatRate(run.perSecond)}`,
    );
    results.lifecycle = { runs, median: medianOf(runs) };
  }
}

async function runOnce(
  bench: Bench,
  { program, client, redis }: StreamSetup,
  resource: Program,
  productId: number,
): Promise<LifecycleRun> {
  const { count } = bench.options;
  const preloaded = `weir:bench:${process.pid}:${productId}`;
  await fillStream(bench, redis, preloaded, count);
  await settleDatabase(client);
  const origin = `http://127.0.0.1:${program.port}`;
  const goal = (await readMetrics(origin)).settled + count;

  const before = takeCpuSnapshot();
  await redis.rename(preloaded, streamKey(productId));
  await waitUntilSettled(bench, program, resource, origin, goal, count);
  const cpuMicrosPerItem = cpuPerItem(before, count, program.pid);
  const resourceCpuMicros = cpuPerItem(before, count, resource.pid).program;

  const { rows } = await client.query<{ rows: string; success: string; seconds: string }>(
    `SELECT count(*) AS rows, count(*) FILTER (WHERE status = 'SUCCESS') AS success,
       extract(epoch FROM max(updated_at) - min(created_at)) AS seconds
     FROM instance_logs WHERE product_id = $1`,
    [productId],
  );
  const found = rows[0];
  if (Number(found?.rows) !== count || Number(found?.success) !== count) {
    throw new Error(`${count} purchases went in; there are ${found?.rows} rows, ${found?.success} SUCCESS`);
  }
  const seconds = Number(found?.seconds);
  const perSecond = ratePerSecond(count, seconds);
  return { purchases: count, seconds, perSecond, cpuMicrosPerItem, resourceCpuMicros };
}

async function waitUntilSettled(
  bench: Bench,
  program: Program,
  resource: Program,
  origin: string,
  goal: number,
  count: number,
): Promise<void> {
  let settled = 0;
  let progressAt = performance.now();
  while (settled < goal) {
    await sleep(lookEveryMs);
    bench.signal.throwIfAborted();
    program.throwIfGone();
    resource.throwIfGone();
    const seen = (await readMetrics(origin)).settled;
    if (seen > settled) progressAt = performance.now();
    settled = seen;
    bench.progress.tick('whole life', count - (goal - settled), count);
    if (performance.now() - progressAt > stalledAfterMs) {
      throw new Error(`nothing moved for 60 s at ${goal - settled} to go:\n${program.readLogTail()}`);
    }
  }
}
