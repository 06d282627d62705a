import { type ConfirmChannel, connect } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { encodeEvent, type ProductRow } from '../peers/event.ts';
import { nextInstanceId } from '../peers/instance-id.ts';

/** One run of an alternative, as passed to its process. */
export interface Order {
  readonly alternative: string;
  readonly database: string;
  readonly redis: string;
  readonly rabbitmq: string;
  readonly queue: string;
  readonly streamKey: string;
  readonly productId: number;
  /** Its concurrency: one of the alternative's own candidates. */
  readonly concurrency: number;
  /** When it stops accepting entries. */
  readonly seconds: number;
}

/** An entry of the stream. */
export interface Entry {
  readonly streamId: string;
  readonly userId: string;
}

/** The result of an entry: a row of `instance_logs` and a message. */
export interface Purchase extends Entry {
  readonly instanceId: string;
}

/** What every alternative is built from. */
export interface World {
  readonly order: Order;
  readonly redis: Redis;
  readonly pool: pg.Pool;
  /** Resolves when the broker has confirmed the message. */
  publish(event: Buffer): Promise<void>;
  /** The event of a purchase, from a product cached in memory. */
  encode(purchase: Purchase): Buffer;
  /** Each with an instance id of its own. */
  number(entries: readonly Entry[]): Purchase[];
  /** Counts events that are confirmed and recorded as done. */
  onDone(count: number): void;
}

export const streamGroup = 'product-service';

export async function openWorld(
  order: Order,
  poolSize: number,
  onDone: (count: number) => void,
): Promise<World> {
  const redis = new Redis(order.redis, { maxRetriesPerRequest: null });
  const pool = new pg.Pool({ connectionString: order.database, max: poolSize, idleTimeoutMillis: 0 });
  pool.on('error', () => {}); // the next query reports the error
  await Promise.all(Array.from({ length: poolSize }, () => pool.query('SELECT pg_sleep(0.05)')));
  const { rows } = await pool.query<ProductRow>(
    'SELECT name, cpus, memory_mb, gpu, image FROM products WHERE id = $1',
    [order.productId],
  );
  const product = rows[0];
  if (product === undefined) throw new Error(`product ${order.productId} is not there`);
  const channel = await (await connect(order.rabbitmq)).createConfirmChannel();
  return {
    ...{ order, redis, pool, onDone },
    publish: (event) => publish(channel, order.queue, event),
    encode: ({ instanceId, userId }) => encodeEvent(BigInt(instanceId), BigInt(userId), product),
    number: (entries) => entries.map((entry) => ({ ...entry, instanceId: String(nextInstanceId()) })),
  };
}

function publish(channel: ConfirmChannel, queue: string, event: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const properties = { persistent: true, mandatory: true, contentType: 'application/octet-stream' };
    channel.publish('', queue, event, properties, (error: unknown) => (error ? reject(error) : resolve()));
  });
}

/** The rows of many purchases as one statement: `INSERT_ROWS` with `rowValues`. */
export const insertRows = `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
  SELECT $1::bigint, user_id, instance_id, 'SECKILL', source_id
  FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS t (user_id, instance_id, source_id)`;

export function rowValues({ productId }: Order, purchases: readonly Purchase[]): unknown[] {
  return [
    productId,
    purchases.map(({ userId }) => userId),
    purchases.map(({ instanceId }) => instanceId),
    purchases.map(({ streamId }) => streamId),
  ];
}

/** Runs `work` on one connection in a transaction, which is committed when it resolves. */
export async function inTransaction(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<unknown>,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    await work(client);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}
