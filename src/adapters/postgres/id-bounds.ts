import type { Sql } from '../../lib/sql.ts';

/** Ids of instance_logs above `after`, up to `upTo`. */
export interface IdBounds {
  after: bigint;
  upTo: bigint;
}

/**
 * How much earlier the time of a higher id can be: a row's time is the start of its statement, and no
 * statement of Weir may run longer. Rows written with other times are found by time only where they keep
 * this order.
 */
const disorder = "interval '60 seconds'";

/**
 * Bounds that contain all rows of the time range and few others: about twenty steps for a million rows.
 * `cursor`: only ids below it.
 */
export async function findIdBounds(
  sql: Sql,
  from: Date | undefined,
  to: Date | undefined,
  cursor?: string,
): Promise<IdBounds> {
  const [row] = await sql.query<{ id: string }>('SELECT coalesce(max(id), 0)::text AS id FROM instance_logs');
  const highest = BigInt(row?.id ?? 0);
  const after = from ? (await findFirstId(sql, from, '-')) - 1n : 0n;
  const before = to ? (await findFirstId(sql, to, '+')) - 1n : highest;
  const upTo = cursor !== undefined && BigInt(cursor) - 1n < before ? BigInt(cursor) - 1n : before;
  return { after, upTo: upTo > after ? upTo : after };
}

async function findFirstId(sql: Sql, at: Date, sign: '-' | '+'): Promise<bigint> {
  const [row] = await sql.query<{ id: string }>(
    `WITH RECURSIVE halves AS (
       SELECT coalesce(min(id), 0) AS low, coalesce(max(id), 0) + 1 AS high FROM instance_logs
       UNION ALL
       SELECT CASE WHEN middle.created_at < $1::timestamptz ${sign} ${disorder} THEN middle.id + 1 ELSE low END,
         CASE WHEN middle.created_at < $1::timestamptz ${sign} ${disorder} THEN high ELSE (low + high) / 2 END
       FROM halves CROSS JOIN LATERAL (
         SELECT id, created_at FROM instance_logs WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) AS middle
       WHERE low < high
     )
     SELECT low::text AS id FROM halves ORDER BY high - low LIMIT 1`,
    [at],
  );
  return BigInt(row?.id ?? 0);
}
