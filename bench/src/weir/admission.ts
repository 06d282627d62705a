import { type Bench, queuePrefix, takeProductIds } from '../bench.ts';
import { httpConnections, httpSubjects } from '../limits/http.ts';
import { createWeirDatabase } from '../limits/postgres.ts';
import { Load } from '../load/load.ts';
import type { PostReport } from '../load/post-requests.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { connectTo, insertProducts } from '../stores/database.ts';
import { connectToRedis, type RedisClient, removeProductKeys, streamKey } from '../stores/stream.ts';
import { type Program, settingsOf, startWeir } from './program.ts';

export const soldOutAnswers = 'Weir: sold out, refused from memory';
export const acceptedBuys = 'Weir: accepted, on the stream';

/** No two runs use the same users. */
const usersPerRun = 10_000_000;
const mostSecondsAccepting = 120;

/**
 * Buying in a sale against the bare routes with the same request and answer. Accepted buys continue until the
 * stock is sold, and every purchase must be on the stream.
 */
export async function measureAdmission(bench: Bench, recorder: Recorder): Promise<void> {
  const { seconds, rounds } = bench.options;
  const load = new Load(bench);
  const redis = await connectToRedis(bench);
  const database = await createWeirDatabase(bench, 'admission');
  const products = takeProductIds(rounds + 1);
  const [soldOutProduct, ...productOfRound] = products as [number, ...number[]];
  await removeSales(bench, redis, products);
  await insertProducts(await connectTo(bench, database), products);
  const bare = await httpSubjects(bench, load);
  const settings = settingsOf(bench, database, `${queuePrefix}.admission`);
  const weir = await startWeir(bench, ['--roles', 'http'], settings);
  await openSale(weir.port, soldOutProduct, 1);
  await askToBuy(weir.port, soldOutProduct, 1);

  const job = { connections: httpConnections, port: weir.port };
  const request = (run: number) => ({ kind: 'buy', firstUser: run * usersPerRun }) as const;
  const refuse = (forSeconds: number) =>
    load.post({
      ...job,
      ...{ seconds: forSeconds, productId: soldOutProduct, counts: '409', request: request(1) },
    });
  await refuse(Math.min(2, seconds));
  const note = `${httpConnections} connections`;
  await takeTurns(bench, recorder, [
    ...bare,
    {
      ...{ name: soldOutAnswers, note },
      async measure() {
        const before = takeCpuSnapshot();
        const report = await refuse(seconds);
        expectOnly(report, ['409']);
        const cpuMicrosPerItem = cpuPerItem(before, report.statuses['409'] ?? 0, weir.pid);
        return { value: report.perSecond, cpuMicrosPerItem, figures: report.latencyMs };
      },
    },
    {
      ...{ name: acceptedBuys, note },
      measure: (round) =>
        sellOut(
          { bench, load, redis, weir },
          { productId: productOfRound[round] as number, firstUser: (2 + round) * usersPerRun },
        ),
    },
  ]);
}

interface Shop {
  readonly bench: Bench;
  readonly load: Load;
  readonly redis: RedisClient;
  readonly weir: Program;
}

/** Opens a sale and buys until the stock is sold; every purchase must be on the stream. */
export async function sellOut(
  { bench, load, redis, weir }: Shop,
  {
    productId,
    firstUser,
    stock = bench.options.count,
  }: { productId: number; firstUser: number; stock?: number },
): Promise<Sample> {
  await openSale(weir.port, productId, stock);
  const before = takeCpuSnapshot();
  const report = await load.post({
    ...{ connections: httpConnections, port: weir.port },
    ...{ productId, seconds: mostSecondsAccepting, counts: '202', endsWith: '409' },
    request: { kind: 'buy', firstUser },
  });
  const cpuMicrosPerItem = cpuPerItem(before, stock, weir.pid);
  expectOnly(report, ['202', '409']);
  const entries = await redis.xlen(streamKey(productId));
  if (entries !== stock || report.statuses['202'] !== stock) {
    throw new Error(`${report.statuses['202']} of ${stock} units were sold and ${entries} are on the stream`);
  }
  return { value: report.perSecond, cpuMicrosPerItem, figures: report.latencyMs };
}

/** Before and at the end. */
export async function removeSales(
  bench: Bench,
  redis: RedisClient,
  products: readonly number[],
): Promise<void> {
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
