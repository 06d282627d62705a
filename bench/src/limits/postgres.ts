import pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Subject } from '../rounds.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { settingsOf, startCommand } from '../weir/program.ts';

const rowsPerStatement = 500;
const connections = 4;

/** A database with Weir's schema, created by `weir migrate`. */
export async function createWeirDatabase(bench: Bench, purpose: string): Promise<string> {
  const database = await createDatabase(bench, purpose);
  const migration = await startCommand(
    bench,
    ['migrate'],
    settingsOf(bench, database, `${queuePrefix}.none`),
  );
  await migration.waitUntilEnded();
  return database;
}

/** Inserts rows into `instance_logs` with all its indexes, one commit per batch; no events, no outbox. */
export async function insertBatches(bench: Bench): Promise<Subject> {
  const { count } = bench.options;
  const database = await createWeirDatabase(bench, 'insert');
  const client = await connectTo(bench, database);
  await insertProducts(client, [firstProductId]);
  const pool = new pg.Pool({ connectionString: database, max: connections, idleTimeoutMillis: 0 });
  pool.on('error', () => {}); // the next query reports the error
  bench.cleanup.add('pool of the batched insert', () => pool.end());
  let instanceId = 1n;
  const insert = async (rows: number) => {
    const first = instanceId;
    instanceId += BigInt(rows);
    await pool.query({
      name: 'insert-batch',
      text: `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, product_version, event_at)
        SELECT $1::bigint, n, n, 'SECKILL', $4::text || '-' || n, 'stream:seckill:' || $1, 1, now()
        FROM generate_series($2::bigint, $3::bigint) AS n`,
      values: [firstProductId, first, instanceId - 1n, Date.now()],
    });
  };
  return {
    name: 'PostgreSQL: batched insert, same indexes',
    note: `${rowsPerStatement} rows a commit, ${connections} connections`,
    async measure() {
      await client.query('TRUNCATE instance_logs');
      await settleDatabase(client);
      let left = count;
      const insertUntilDone = async () => {
        while (left > 0) {
          bench.signal.throwIfAborted();
          const rows = Math.min(rowsPerStatement, left);
          left -= rows;
          await insert(rows);
        }
      };
      const before = takeCpuSnapshot();
      const startedAt = performance.now();
      await Promise.all(Array.from({ length: connections }, insertUntilDone));
      const seconds = (performance.now() - startedAt) / 1000;
      const { rows } = await client.query<{ n: string }>('SELECT count(*) AS n FROM instance_logs');
      if (Number(rows[0]?.n) !== count) throw new Error(`${rows[0]?.n} rows of ${count} are there`);
      return { value: count / seconds, cpuMicrosPerItem: cpuPerItem(before, count) };
    },
  };
}
