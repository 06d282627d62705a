import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, takeProductIds } from '../bench.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { insertProducts, settleDatabase } from '../stores/database.ts';
import { fillStream, streamKey } from '../stores/stream.ts';
import { readMetrics } from './metrics.ts';
import { pipelineSubject } from './pipeline.ts';
import { type Program, settingsOf, startCommand } from './program.ts';
import { type StreamSetup, startBetweenStreamAndQueue } from './work-off.ts';

export const wholeLife = 'whole life: stream → settled';
export const pipelineNextToIt = 'pipeline next to it: stream → confirmed';

const lookEveryMs = 100;
const stalledAfterMs = 60_000;
const mostWarmUp = 10_000;

/**
 * A stream of purchases, processed to SUCCESS by a Resource Domain in a process of its own that answers
 * immediately.
 */
export async function measureLifecycle(bench: Bench, recorder: Recorder): Promise<void> {
  await takeTurns(bench, recorder, [
    pipelineSubject(bench, pipelineNextToIt, { purpose: 'pipeline' }),
    {
      name: wholeLife,
      note: '`weir resource --delay 0` answers; its CPU is `resourceMicros` in the JSON',
      measure: () => measureOnce(bench),
    },
  ]);
}

async function measureOnce(bench: Bench): Promise<Sample> {
  const { count } = bench.options;
  const setup = await startBetweenStreamAndQueue(bench, {
    purpose: 'lifecycle',
    roles: 'ingest,relay,settle',
  });
  const settings = settingsOf(bench, setup.database, setup.queue);
  const resource = await startCommand(bench, ['resource', '--delay', '0'], settings);
  await runOnce(bench, setup, resource, Math.min(mostWarmUp, count));
  return runOnce(bench, setup, resource, count);
}

/** The clock is PostgreSQL's, from the first commit to the last settled row. */
async function runOnce(bench: Bench, setup: StreamSetup, resource: Program, count: number): Promise<Sample> {
  const { client, redis } = setup;
  const program = setup.programs[0] as Program;
  const [productId] = takeProductIds(1) as [number];
  await insertProducts(client, [productId]);
  setup.productIds.push(productId);
  const preloaded = `weir:bench:${process.pid}:${productId}`;
  await fillStream(bench, redis, preloaded, count);
  await settleDatabase(client);
  const origin = `http://127.0.0.1:${program.port}`;
  const goal = (await readMetrics(origin)).settled + count;

  const before = takeCpuSnapshot();
  await redis.rename(preloaded, streamKey(productId));
  await waitUntilSettled(bench, [program, resource], origin, goal, count);
  const cpuMicrosPerItem = cpuPerItem(before, count, program.pid);
  const resourceMicros = cpuPerItem(before, count, resource.pid).program ?? 0;

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
  return { value: count / Number(found?.seconds), cpuMicrosPerItem, figures: { resourceMicros } };
}

async function waitUntilSettled(
  bench: Bench,
  programs: readonly Program[],
  origin: string,
  goal: number,
  count: number,
): Promise<void> {
  let settled = 0;
  let progressAt = performance.now();
  while (settled < goal) {
    await sleep(lookEveryMs);
    bench.signal.throwIfAborted();
    for (const program of programs) program.throwIfGone();
    const seen = (await readMetrics(origin)).settled;
    if (seen > settled) progressAt = performance.now();
    settled = seen;
    bench.progress.tick('whole life', count - (goal - settled), count);
    if (performance.now() - progressAt > stalledAfterMs) {
      const tail = programs[0]?.readLogTail();
      throw new Error(`nothing moved for 60 s at ${goal - settled} to go:\n${tail}`);
    }
  }
}
