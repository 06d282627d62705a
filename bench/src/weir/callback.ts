import type pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import { Load } from '../load/load.ts';
import type { PostReport } from '../load/post-requests.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Way } from '../peers/one-transaction/server.ts';
import { startPeer } from '../peers/start-peer.ts';
import { createPeerTables } from '../peers/tables.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { type Subject, takeTurns } from '../rounds.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, countMessages, createQuorumQueue, deleteQueueAtTheEnd } from '../stores/queue.ts';
import { settingsOf, startWeir } from './program.ts';
import { waitUntilPublished } from './published.ts';

export const weirCallback = 'Weir: callback';
export const oneTransaction = 'one transaction a request';
export const oneStatement = 'one statement a request';

const connections = 64;
const poolSizes = [16, 32];
const names: Record<Way, string> = { transaction: oneTransaction, statement: oneStatement };
const mostWarmUpSeconds = 3;

/** Paid orders over HTTP: Weir's group commit against one commit per request, under the same load. */
export async function measureCallback(bench: Bench, recorder: Recorder): Promise<void> {
  const load = new Load(bench);
  await takeTurns(bench, recorder, [
    {
      name: weirCallback,
      note: `${connections} connections; events are published meanwhile`,
      measure: (round) => payWeir(bench, load, round),
    },
    await peerSubject(bench, load, 'transaction'),
    await peerSubject(bench, load, 'statement'),
  ]);
}

/** With the better of two pool sizes. Its outbox is filled and not published. */
async function peerSubject(bench: Bench, load: Load, way: Way): Promise<Subject> {
  let best = { poolSize: 0, perSecond: 0 };
  for (const poolSize of poolSizes) {
    const mark = bench.cleanup.mark();
    const { value } = await payPeer(bench, load, way, poolSize, 'TUNE');
    if (value > best.perSecond) best = { poolSize, perSecond: value };
    await bench.cleanup.unwind(mark);
  }
  const { poolSize } = best;
  return {
    name: names[way],
    note: `pool of ${poolSize}, the better of ${poolSizes.join(' and ')}; its outbox is filled, not published`,
    measure: (round) => payPeer(bench, load, way, poolSize, `ROUND${round}N`),
  };
}

async function payPeer(
  bench: Bench,
  load: Load,
  way: Way,
  poolSize: number,
  prefix: string,
): Promise<Sample> {
  const database = await createDatabase(bench, `${way}_${poolSize}`);
  const client = await connectTo(bench, database);
  await createPeerTables(client);
  await insertProducts(client, [firstProductId]);
  await settleDatabase(client);
  const { pid, port } = await startPeer(bench, 'one-transaction', [database, way, String(poolSize)]);
  const { sample, created } = await payOne(bench, load, { server: names[way], pid, port, prefix });
  await expectRows(client, 'instance_logs', created);
  await expectRows(client, 'outbox', created);
  return sample;
}

async function payWeir(bench: Bench, load: Load, round: number): Promise<Sample> {
  const database = await createDatabase(bench, 'callback');
  const client = await connectTo(bench, database);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.callback`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  const program = await startWeir(bench, ['--roles', 'http,relay'], settingsOf(bench, database, queue));
  await insertProducts(client, [firstProductId]);
  await settleDatabase(client);

  const { pid, port } = program;
  const { sample, created } = await payOne(bench, load, {
    server: 'weir',
    pid,
    port,
    prefix: `ROUND${round}N`,
  });
  const publishedAfterMs = await waitUntilPublished(bench, client, program);
  await expectRows(client, 'instance_logs', created);
  const messages = await countMessages(bench, connection, queue, created);
  if (messages !== created) {
    throw new Error(`weir answered 201 for ${created} orders, but ${messages} messages are in the queue`);
  }
  return { ...sample, figures: { ...sample.figures, publishedAfterMs } };
}

interface Paid {
  readonly server: string;
  readonly pid: number;
  readonly port: number;
  readonly prefix: string;
}

async function payOne(bench: Bench, load: Load, { server, pid, port, prefix }: Paid) {
  const { seconds } = bench.options;
  const job = { port, connections, productId: firstProductId, counts: '201' };
  const order = (kind: string) => ({ kind: 'order', prefix: `${kind}${prefix}` }) as const;
  const warmUpSeconds = Math.min(mostWarmUpSeconds, seconds);
  const warmUp = await load.post({ ...job, seconds: warmUpSeconds, request: order('WARM') });
  const before = takeCpuSnapshot();
  const report = await load.post({ ...job, seconds, request: order('BENCH') });
  expectOnlyCreated(server, report);
  const created = report.statuses['201'] ?? 0;
  const sample: Sample = {
    value: report.perSecond,
    cpuMicrosPerItem: cpuPerItem(before, created, pid),
    figures: report.latencyMs,
  };
  return { sample, created: created + (warmUp.statuses['201'] ?? 0) };
}

// A refused request is cheaper than a created one: a rate that mixes both is meaningless.
function expectOnlyCreated(server: string, { statuses }: PostReport): void {
  if (Object.keys(statuses).every((status) => status === '201')) return;
  throw new Error(`${server} answered with ${JSON.stringify(statuses)} where only 201 was due`);
}

async function expectRows(client: pg.Client, table: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`);
  const found = Number(rows[0]?.n);
  if (found !== expected) throw new Error(`${expected} answers of 201, but ${found} rows in ${table}`);
}
