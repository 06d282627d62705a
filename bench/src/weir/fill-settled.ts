import { type Bench, firstProductId } from '../bench.ts';
import { connectTo, insertProducts, settleDatabase } from '../stores/database.ts';

const rowsPerInsert = 250_000;

/** Fills settled instances of yesterday, vacuumed and analyzed. */
export async function fillSettled(bench: Bench, database: string, rows: number): Promise<void> {
  const client = await connectTo(bench, database);
  await insertProducts(client, [firstProductId]);
  for (let done = 0; done < rows; ) {
    bench.signal.throwIfAborted();
    const part = Math.min(rowsPerInsert, rows - done);
    await client.query(
      `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, status, product_version,
         event_at, created_at, updated_at, answered_at)
       SELECT $1::bigint, n, n, 'ACTIVITY', 'BENCH' || n, '', 'SUCCESS', 1, at, at, at, at
       FROM generate_series($2::bigint, $3::bigint) AS n, (SELECT now() - interval '1 day' AS at) AS yesterday`,
      [firstProductId, done + 1, done + part],
    );
    done += part;
    bench.progress.tick(`filling ${rows.toLocaleString('en-US')} rows`, done, rows);
  }
  await client.query(
    `INSERT INTO published VALUES ('CREATED', 0, $1)
     ON CONFLICT (kind, lane) DO UPDATE SET events = published.events + excluded.events`,
    [rows],
  );
  await client.query('VACUUM (ANALYZE) instance_logs');
  await settleDatabase(client);
}
