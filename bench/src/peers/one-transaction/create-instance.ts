import type pg from 'pg';
import { encodeEvent, type ProductRow } from '../event.ts';
import { nextInstanceId } from '../instance-id.ts';

export interface Paid {
  readonly orderId: string;
  readonly productId: string;
  readonly userId: string;
}

/** Resolves with the instance's id, or undefined when the order has one already. */
export type CreateInstance = (pool: pg.Pool, paid: Paid) => Promise<bigint | undefined>;

/** The usual safe way: look up, insert the row, insert its event, all in one transaction per request. */
export const createInTransaction: CreateInstance = async (pool, paid) => {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const instanceId = await insertRowThenEvent(client, paid);
    await client.query('COMMIT');
    return instanceId;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
};

/** As few round trips as one commit per request allows: a look-up, then row and event in one statement. */
export const createInStatement: CreateInstance = async (pool, paid) => {
  const product = await getProduct(pool, paid.productId);
  const instanceId = nextInstanceId();
  const inserted = await pool.query({
    name: 'insert-row-and-event',
    text: `WITH row AS (
             INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
             VALUES ($1, $2, $3, 'ORDER', $4) ON CONFLICT DO NOTHING RETURNING id
           )
           INSERT INTO outbox (event) SELECT $5::bytea FROM row`,
    values: [paid.productId, paid.userId, instanceId, paid.orderId, encode(instanceId, paid, product)],
  });
  return inserted.rowCount === 0 ? undefined : instanceId;
};

async function insertRowThenEvent(client: pg.PoolClient, paid: Paid): Promise<bigint | undefined> {
  const product = await getProduct(client, paid.productId);
  const instanceId = nextInstanceId();
  const inserted = await client.query({
    name: 'insert-instance-log',
    text: `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
           VALUES ($1, $2, $3, 'ORDER', $4) ON CONFLICT DO NOTHING`,
    values: [paid.productId, paid.userId, instanceId, paid.orderId],
  });
  if (inserted.rowCount === 0) return undefined;
  await client.query({
    name: 'insert-outbox',
    text: 'INSERT INTO outbox (event) VALUES ($1)',
    values: [encode(instanceId, paid, product)],
  });
  return instanceId;
}

async function getProduct(connection: pg.Pool | pg.PoolClient, productId: string): Promise<ProductRow> {
  const { rows } = await connection.query<ProductRow>({
    name: 'find-product',
    text: 'SELECT name, cpus, memory_mb, gpu, image FROM products WHERE id = $1 AND enabled',
    values: [productId],
  });
  const product = rows[0];
  if (product === undefined) throw new Error(`product ${productId} is not there`);
  return product;
}

function encode(instanceId: bigint, paid: Paid, product: ProductRow): Buffer {
  return encodeEvent(instanceId, BigInt(paid.userId), product);
}
