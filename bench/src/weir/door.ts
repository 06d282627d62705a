import type { Redis } from 'ioredis';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import { Load } from '../load/load.ts';
import type { PostJob, PostReport } from '../load/post-requests.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { startPeer } from '../peers/start-peer.ts';
import { formatRate, medianOf } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { connectTo, createDatabase, insertProducts } from '../stores/database.ts';
import { connectToRedis, removeProductKeys, streamKey } from '../stores/stream.ts';
import { settingsOf, startWeir } from './program.ts';

const connections = 64;
const rounds = 3;
/** Users of no two runs are the same. */
const usersPerRun = 10_000_000;
const warmUpSeconds = 2;

export interface DoorRun extends PostReport {
  readonly what: 'bare route' | 'sold out' | 'accepted';
  readonly cpuMicrosPerItem: CpuPerItem;
}

export interface DoorResult {
  readonly connections: number;
  readonly runs: readonly DoorRun[];
  /** The medians. */
  readonly bare: DoorRun;
  readonly soldOut: DoorRun;
  readonly accepted: DoorRun;
}

/**
 * Buying in a sale against a bare Fastify route with the same request and answer. The three take turns, so that a machine
 * that is slower for a minute is slower for all. What is accepted goes on until the stock is gone, and every purchase must be
 * on the stream.
 */
export async function measureDoor(bench: Bench, results: Results): Promise<void> {
  const load = new Load(bench);
  const redis = await connectToRedis(bench);
  const database = await createDatabase(bench, 'door');
  const products = Array.from({ length: rounds + 1 }, (_, round) => firstProductId + round);
  await removeSales(bench, redis, products);
  const bare = await startPeer(bench, 'bare-route');
  const weir = await startWeir(
    bench,
    ['--roles', 'http'],
    settingsOf(bench, database, `${queuePrefix}.door`),
  );
  await insertProducts(await connectTo(bench, database), products);
  await openSale(weir.port, firstProductId, 1);
  await askToBuy(weir.port, firstProductId, 1);

  const { seconds, count } = bench.options;
  const request = (run: number) => ({ kind: 'buy', firstUser: run * usersPerRun }) as const;
  const runs: DoorRun[] = [];
  const measure = async (what: DoorRun['what'], pid: number, job: PostJob) => {
    bench.signal.throwIfAborted();
    bench.progress.say(`  admission, ${what}: ${connections} connections ...`);
    const before = takeCpuSnapshot();
    const report = await load.post(job);
    const counted = report.statuses[job.counts] ?? 0;
    runs.push({ what, ...report, cpuMicrosPerItem: cpuPerItem(before, counted, pid) });
    bench.progress.say(
      `  admission, ${what}: ${formatRate(report.perSecond)}, p99 ${report.latencyMs.p99} ms`,
    );
    return report;
  };
  const sold = { connections, productId: firstProductId, counts: '409' };
  for (const port of [bare.port, weir.port])
    await load.post({ ...sold, port, seconds: warmUpSeconds, request: request(1) });

  for (let round = 1; round <= rounds; round++) {
    const productId = firstProductId + round;
    await measure('bare route', bare.pid, { ...sold, port: bare.port, seconds, request: request(2) });
    const refused = await measure('sold out', weir.pid, {
      ...sold,
      port: weir.port,
      seconds,
      request: request(3),
    });
    expectOnly(refused, ['409']);
    await openSale(weir.port, productId, count);
    const job = { connections, productId, port: weir.port, seconds: 120, counts: '202', endsWith: '409' };
    const accepted = await measure('accepted', weir.pid, { ...job, request: request(3 + round) });
    expectOnly(accepted, ['202', '409']);
    const entries = await redis.xlen(streamKey(productId));
    if (entries !== count || accepted.statuses['202'] !== count) {
      throw new Error(
        `of ${count} units ${accepted.statuses['202']} were sold and ${entries} are on the stream`,
      );
    }
    const medianWhat = (what: DoorRun['what']) => medianOf(runs.filter((run) => run.what === what));
    results.door = {
      ...{ connections, runs, bare: medianWhat('bare route') },
      ...{ soldOut: medianWhat('sold out'), accepted: medianWhat('accepted') },
    };
  }
}

async function removeSales(bench: Bench, redis: Redis, products: readonly number[]): Promise<void> {
  const remove = async () => {
    for (const productId of products) await removeProductKeys(redis, productId);
    await redis.srem('weir:sales', ...products.map(streamKey));
  };
  await remove();
  bench.cleanup.add('sales in Redis', remove);
}

function expectOnly({ statuses }: PostReport, expected: readonly string[]): void {
  if (Object.keys(statuses).every((status) => expected.includes(status))) return;
  throw new Error(`weir answered ${JSON.stringify(statuses)} where only ${expected.join(' and ')} were due`);
}

async function openSale(port: number, productId: number, stock: number): Promise<void> {
  await post(port, '/v1/sales', { productId: String(productId), stock }, 201);
}

async function askToBuy(port: number, productId: number, userId: number): Promise<void> {
  await post(port, `/v1/sales/${productId}/buy`, { userId: String(userId) }, 202);
}

async function post(port: number, path: string, body: object, expected: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== expected) throw new Error(`POST ${path}: ${response.status} ${text}`);
}
