import type pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import type { Recorder } from '../report/recorder.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, deleteQueueAtTheEnd } from '../stores/queue.ts';
import { type Program, settingsOf, startWeir } from './program.ts';

const rowsPerInsert = 250_000;
const repeats = 5;

/** How long an audit takes on a large table, measured by the caller over HTTP. */
export async function measureAudit(bench: Bench, recorder: Recorder): Promise<void> {
  const rows = bench.options.auditRows;
  const database = await createDatabase(bench, 'audit');
  const client = await connectTo(bench, database);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.audit`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, `${queue}.result`);
  const settings = { ...settingsOf(bench, database, queue), WEIR_AUDIT_EVERYMS: '0' };
  const program = await startWeir(bench, ['--roles', 'http'], settings);
  await insertProducts(client, [firstProductId]);

  await fill(bench, client, 0, rows, "interval '1 hour'");
  await settleDatabase(client);
  const firstMs = await askAudit(program);
  const againMs = await median(() => askAudit(program));
  const freshRows = Math.min(500_000, Math.round(rows / 20));
  await fill(bench, client, rows, freshRows, "interval '0 seconds'");
  const withFreshMs = await median(() => askAudit(program));
  const of = `audit of ${rows.toLocaleString('en-US')} rows`;
  recorder.add(`${of}, for the first time`, 'ms', { value: firstMs });
  recorder.add(`${of}, again`, 'ms', { value: againMs });
  recorder.add(`${of} and ${freshRows.toLocaleString('en-US')} fresh ones`, 'ms', { value: withFreshMs });
}

/** Settled instances of a sale, one in ten failed and restocked, all of them published. */
async function fill(
  bench: Bench,
  client: pg.Client,
  from: number,
  count: number,
  age: string,
): Promise<void> {
  for (let done = 0; done < count; ) {
    bench.signal.throwIfAborted();
    const part = Math.min(rowsPerInsert, count - done);
    const range = [from + done + 1, from + done + part];
    await client.query(
      `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, status, reason, created_at,
         updated_at, answered_at)
       SELECT ${firstProductId}, n, n, 'ACTIVITY', 'BENCH' || n, '', CASE n % 10 WHEN 0 THEN 'FAILED' ELSE 'SUCCESS' END,
         CASE n % 10 WHEN 0 THEN 'no capacity' END, now() - ${age}, now() - ${age}, now() - ${age}
       FROM generate_series($1::bigint, $2::bigint) AS n`,
      range,
    );
    await client.query(
      `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, instance_id, reason, status, outcome,
         done_at)
       SELECT 'NOTHING', 'ACTIVITY', 'BENCH' || n, '', ${firstProductId}, n, n, 'no capacity', 'DONE', 'NOTHING', now()
       FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 10 = 0`,
      range,
    );
    done += part;
    bench.progress.tick('audit, filling', done, count);
  }
  await client.query(
    `INSERT INTO published VALUES ('CREATED', 0, $1)
     ON CONFLICT (kind, lane) DO UPDATE SET events = published.events + excluded.events`,
    [count],
  );
}

async function askAudit({ port, readLogTail }: Program): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/v1/audit`, { signal: AbortSignal.timeout(600_000) });
  const audit = (await response.json()) as { ok?: boolean; sums?: unknown };
  if (!audit.ok) throw new Error(`the audit does not hold: ${JSON.stringify(audit)}\n${readLogTail()}`);
  return Math.round(performance.now() - startedAt);
}

async function median(measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await measure());
  return times.sort((a, b) => a - b)[repeats >> 1] as number;
}
