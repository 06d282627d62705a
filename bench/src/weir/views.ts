import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import type { Recorder } from '../report/recorder.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, deleteQueueAtTheEnd } from '../stores/queue.ts';
import { type Program, settingsOf, startWeir } from './program.ts';
import { fillViews } from './views-fill.ts';
import { listViews, type View } from './views-list.ts';

const repeats = 9;
/** Requests for present figures share one answer within a second. */
const betweenLooksMs = 1_050;
const looks = 5;

export const slowestView = 'the slowest view, median';

interface ViewRun {
  readonly view: string;
  /** Over HTTP, to the last byte. */
  readonly medianMs: number;
  readonly highestMs: number;
  /** The SQL that a person would write for the same, in place of psql. */
  readonly sqlMedianMs: number;
}

/** Every view of the page, requested like the page does, on a table of that many rows. */
export async function measureViews(bench: Bench, recorder: Recorder): Promise<void> {
  const rows = bench.options.viewRows;
  const database = await createDatabase(bench, 'views');
  const client = await connectTo(bench, database);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.views`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  const settings = { ...settingsOf(bench, database, queue), WEIR_AUDIT_EVERYMS: '0' };
  const program = await startWeir(bench, ['--roles', 'http'], settings);
  await client.query('ALTER TABLE instance_logs SET (autovacuum_enabled = off)');
  await insertProducts(client, [firstProductId]);
  const filled = await fillViews(bench, client, rows);
  await settleDatabase(client);
  // The state after the audit and the cleaning of each minute.
  await ask(program, '/v1/audit');
  for (const index of ['instance_logs_created_at', 'instance_logs_bought']) {
    await client.query('SELECT brin_summarize_new_values($1::regclass)', [index]);
  }
  // As autovacuum does within its minute. Without it a count of parked items reads each of them.
  await client.query('VACUUM parked, compensations');
  const views = listViews(filled);
  const cold = await askAll(bench, program, client, views);
  await client.query('ANALYZE');
  const analyzed = await askAll(bench, program, client, views);
  for (const [when, runs] of [
    ['', analyzed],
    [', never analyzed', cold],
  ] as const) {
    for (const { view, medianMs, highestMs, sqlMedianMs } of runs) {
      recorder.add(`${view}${when}`, 'ms', { value: medianMs, figures: { highestMs, sqlMedianMs } });
    }
  }
  const slowest = Math.max(...[...cold, ...analyzed].map(({ medianMs }) => medianMs));
  recorder.add(slowestView, 'ms', { value: slowest }, `${rows.toLocaleString('en-US')} rows`);
}

async function askAll(
  bench: Bench,
  program: Program,
  client: pg.Client,
  views: readonly View[],
): Promise<ViewRun[]> {
  const runs: ViewRun[] = [];
  for (const [index, view] of views.entries()) {
    bench.progress.tick('views', index, views.length);
    const times: number[] = [];
    const sqlTimes: number[] = [];
    const isShared = view.path.startsWith('/v1/now');
    for (let i = 0; i < (isShared ? looks : repeats); i++) {
      bench.signal.throwIfAborted();
      if (isShared) await sleep(betweenLooksMs);
      times.push(await timeOf(() => ask(program, view.path)));
      sqlTimes.push(await timeOf(() => client.query(view.sql)));
    }
    runs.push({
      view: view.name,
      medianMs: median(times),
      highestMs: Math.round(Math.max(...times)),
      sqlMedianMs: median(sqlTimes),
    });
  }
  return runs;
}

async function ask({ port, readLogTail }: Program, path: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(120_000) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}\n${readLogTail()}`);
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return Math.round((sorted[sorted.length >> 1] ?? 0) * 10) / 10;
}
