import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import { Load } from '../load/load.ts';
import type { PostReport } from '../load/post-requests.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Way } from '../peers/one-transaction/server.ts';
import { startPeer } from '../peers/start-peer.ts';
import { createPeerTables } from '../peers/tables.ts';
import { bestOf, formatRate } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, countMessages, createQuorumQueue, deleteQueueAtTheEnd } from '../stores/queue.ts';
import { settingsOf, startWeir } from './program.ts';
import { waitUntilPublished } from './published.ts';

const connections = 64;
const poolSizes = [16, 32];
const names: Record<Way, string> = {
  transaction: 'one transaction a request',
  statement: 'one commit a request, in one statement',
};
const warmUpSeconds = 3;

export interface CallbackRun extends PostReport {
  readonly server: string;
  readonly cpuMicrosPerItem: CpuPerItem;
}

export interface CallbackResult {
  readonly connections: number;
  readonly baselines: readonly CallbackRun[];
  /** Of one transaction a request: what the budget compares with. */
  readonly bestBaseline: CallbackRun;
  /** The strongest rival that commits for each request; measured to be known, not part of the budget. */
  readonly statements: readonly CallbackRun[];
  readonly weir?: CallbackRun & {
    /** How long after the last answer the last event was confirmed. */
    readonly publishedAfterMs: number;
  };
}

/** Paid orders over HTTP: Weir's group commit against one transaction a request, both while the load is the same. */
export async function measureCallback(bench: Bench, results: Results): Promise<void> {
  const load = new Load(bench);
  const baselines: CallbackRun[] = [];
  const statements: CallbackRun[] = [];
  for (const poolSize of poolSizes) {
    baselines.push(await payBaseline(bench, load, 'transaction', poolSize));
    statements.push(await payBaseline(bench, load, 'statement', poolSize));
  }
  const others = { connections, baselines, bestBaseline: bestOf(baselines), statements };
  results.callback = others;
  results.callback = { ...others, weir: await payWeir(bench, load) };
}

async function payBaseline(bench: Bench, load: Load, way: Way, poolSize: number): Promise<CallbackRun> {
  const mark = bench.cleanup.mark();
  const database = await createDatabase(bench, `${way}_${poolSize}`);
  const client = await connectTo(bench, database);
  await createPeerTables(client);
  await insertProducts(client, [firstProductId]);
  await settleDatabase(client);
  const { pid, port } = await startPeer(bench, 'one-transaction', [database, way, String(poolSize)]);
  const { run } = await payOne(bench, load, `${names[way]}, pool ${poolSize}`, pid, port);
  await bench.cleanup.unwind(mark);
  return run;
}

async function payWeir(bench: Bench, load: Load) {
  const database = await createDatabase(bench, 'callback');
  const client = await connectTo(bench, database);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.callback`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  const program = await startWeir(bench, ['--roles', 'http,relay'], settingsOf(bench, database, queue));
  await insertProducts(client, [firstProductId]);
  await settleDatabase(client);

  const { run, created } = await payOne(bench, load, 'weir', program.pid, program.port);
  const publishedAfterMs = await waitUntilPublished(bench, client, program);
  const messages = await countMessages(bench, connection, queue, created);
  if (messages !== created) {
    throw new Error(`weir answered 201 for ${created} orders, but ${messages} messages are in the queue`);
  }
  return { ...run, publishedAfterMs };
}

async function payOne(bench: Bench, load: Load, server: string, pid: number, port: number) {
  const { seconds } = bench.options;
  const job = { port, connections, productId: firstProductId, counts: '201' };
  bench.progress.say(`  callback, ${server}: ${connections} connections for ${seconds} s ...`);
  const warmUp = await load.post({
    ...job,
    seconds: warmUpSeconds,
    request: { kind: 'order', prefix: 'WARM' },
  });
  const before = takeCpuSnapshot();
  const report = await load.post({ ...job, seconds, request: { kind: 'order', prefix: 'BENCH' } });
  const created = report.statuses['201'] ?? 0;
  const run: CallbackRun = {
    server,
    ...report,
    cpuMicrosPerItem: cpuPerItem(before, created, pid),
  };
  bench.progress.say(`  callback, ${server}: ${formatRate(run.perSecond)}, p99 ${run.latencyMs.p99} ms`);
  expectOnlyCreated(server, report);
  return { run, created: created + (warmUp.statuses['201'] ?? 0) };
}

// A refused request is cheaper than a created one: a rate with both in it says nothing.
function expectOnlyCreated(server: string, { statuses }: PostReport): void {
  if (Object.keys(statuses).every((status) => status === '201')) return;
  throw new Error(`${server} answered with ${JSON.stringify(statuses)} where only 201 was due`);
}
