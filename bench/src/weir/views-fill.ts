import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { fillOthers } from './views-fill-others.ts';

const rowsPerInsert = 250_000;
const secondsOfFlood = 300;
/** The share of all rows that arrive in the last five minutes. */
const shareOfFlood = 0.3;

export interface Filled {
  rows: number;
  /** A row from the middle of the table. */
  instanceId: string;
  userId: string;
  orderId: string;
  streamId: string;
}

/**
 * A week of three sources and a hundred products, with a fourth source on its first days only, and a peak at
 * its end; one in fifty has failed, and the youngest are PROCESSING. Also what the other views show.
 */
export async function fillViews(bench: Bench, client: pg.Client, rows: number): Promise<Filled> {
  const before = Math.round(rows * (1 - shareOfFlood));
  for (let done = 0; done < rows; ) {
    bench.signal.throwIfAborted();
    const part = Math.min(rowsPerInsert, rows - done);
    await client.query(fillStatement, [done + 1, done + part, before, rows - before, secondsOfFlood]);
    done += part;
    bench.progress.tick('views, filling', done, rows);
  }
  await client.query(
    `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, instance_id, reason, status, outcome,
       done_at)
     SELECT 'NOTHING', source, source_id, scope, product_id, user_id, instance_id, reason, 'DONE', 'NOTHING', now()
     FROM instance_logs WHERE status = 'FAILED'`,
  );
  await fillOthers(client, rows);
  const middle = Math.round(rows / 2);
  const { rows: found } = await client.query<
    Record<'instance_id' | 'user_id' | 'source' | 'source_id', string>
  >(
    'SELECT instance_id, user_id, source, source_id FROM instance_logs WHERE id BETWEEN $1 AND $2 ORDER BY id',
    [middle, middle + 4],
  );
  const idOf = (source: string) => found.find((row) => row.source === source)?.source_id ?? '';
  return {
    rows,
    instanceId: found[0]?.instance_id ?? '',
    userId: found[0]?.user_id ?? '',
    orderId: idOf('ORDER'),
    streamId: idOf('SECKILL'),
  };
}

const fillStatement = `
  INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, status, reason, created_at,
    updated_at, answered_at)
  SELECT 1001 + n % 100, 1 + (n * 7919) % 300000, 250000000000000000 + n,
    CASE n % 4 WHEN 0 THEN CASE WHEN n <= $3::bigint / 4 THEN 'LAUNCH' ELSE 'ORDER' END WHEN 1 THEN 'ACTIVITY' ELSE 'SECKILL' END,
    CASE n % 4 WHEN 0 THEN 'ORD' || n WHEN 1 THEN 'ACT' || n
      ELSE (extract(epoch FROM at) * 1000)::bigint || '-' || n END,
    CASE WHEN n % 4 > 1 THEN 'stream:seckill:' || 1001 + n % 100 ELSE '' END,
    CASE WHEN at > now() - interval '2 seconds' THEN 'PROCESSING' WHEN n % 50 = 0 THEN 'FAILED' ELSE 'SUCCESS' END,
    CASE WHEN n % 50 = 0 THEN 'no capacity' END, at, at + interval '1 second', at + interval '900 ms'
  FROM generate_series($1::bigint, $2::bigint) AS n, LATERAL (SELECT now() - CASE WHEN n <= $3::bigint
    THEN interval '7 days' * (1 - n::float8 / $3) + interval '1 second' * $5::int
    ELSE interval '1 second' * $5::int * (1 - (n - $3)::float8 / $4) END AS at) AS t`;
