import type pg from 'pg';

interface Repeats {
  readonly productId: number;
  readonly scope: string;
  /** Entries of users 1, 2, 3 and so on. */
  readonly ids: readonly string[];
  readonly share: number;
}

/** Creates the instance of every nth entry in advance, with the entry's content. Resolves with how many. */
export async function insertRepeats(client: pg.Client, repeats: Repeats): Promise<number> {
  const { productId, scope, ids, share } = repeats;
  if (share === 0) return 0;
  const nth = Math.round(1 / share);
  const users = ids.map((_, index) => index + 1).filter((user) => user % nth === 0);
  await client.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, created_at)
     SELECT $1::bigint, user_id, $1::bigint * 1000000000 + user_id, 'SECKILL', source_id, $2, now() - interval '1 hour'
     FROM unnest($3::bigint[], $4::text[]) AS t (user_id, source_id)`,
    [productId, scope, users, users.map((user) => ids[user - 1])],
  );
  return users.length;
}
