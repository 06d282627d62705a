import type { ConfirmChannel } from 'amqplib';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { encodeEvent, type ProductRow } from './event.ts';
import { nextInstanceId } from './instance-id.ts';

export interface SeedFlow {
  readonly redis: Redis;
  readonly pool: pg.Pool;
  readonly channel: ConfirmChannel;
  readonly queue: string;
  readonly streamKey: string;
  readonly productId: number;
}

export const seedGroup = 'product-service';

interface Entry {
  readonly streamId: string;
  readonly userId: bigint;
}

/**
 * The seed's CreateInstance, message by message: look up, publish, insert, acknowledge, in the seed's order.
 * Resolves with how many are done when the stream is empty or the time is over.
 */
export async function runSeedFlow(
  flow: SeedFlow,
  concurrency: number,
  isOver: () => boolean,
  onDone: (done: number) => void,
): Promise<number> {
  let done = 0;
  const takeEntry = createReader(flow, concurrency);
  const work = async () => {
    while (!isOver()) {
      const entry = await takeEntry();
      if (entry === undefined) return;
      await createInstance(flow, entry);
      done += 1;
      onDone(done);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return done;
}

async function createInstance(flow: SeedFlow, { streamId, userId }: Entry): Promise<void> {
  const instanceId = nextInstanceId();
  const found = await flow.pool.query<ProductRow>({
    name: 'find-product',
    text: 'SELECT name, cpus, memory_mb, gpu, image FROM products WHERE id = $1',
    values: [flow.productId],
  });
  const product = found.rows[0];
  if (product === undefined) throw new Error(`product ${flow.productId} is not there`);
  await publish(flow, encodeEvent(instanceId, userId, product));
  await flow.pool.query({
    name: 'insert-instance-log',
    text: `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
           VALUES ($1, $2, $3, 'SECKILL', $4)`,
    values: [flow.productId, userId, instanceId, streamId],
  });
  await flow.redis.xack(flow.streamKey, seedGroup, streamId);
}

// The seed publishes without a confirm and not persistent; here with both, or the comparison would be with
// a flow that loses messages whenever the broker stops.
function publish(flow: SeedFlow, event: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    flow.channel.publish(
      '',
      flow.queue,
      event,
      { persistent: true, contentType: 'application/octet-stream' },
      (error: unknown) => (error ? reject(error) : resolve()),
    );
  });
}

// Entries are read in batches and shared out: a read for each of them would make the peer slower than it must be.
function createReader(flow: SeedFlow, concurrency: number): () => Promise<Entry | undefined> {
  let read: Entry[] = [];
  let next = 0;
  let isEmpty = false;
  let reading: Promise<void> | undefined;

  const readMore = async () => {
    const { redis, streamKey } = flow;
    const count = Math.max(10, concurrency);
    const reply = await redis.xreadgroup(
      'GROUP',
      seedGroup,
      'one',
      'COUNT',
      count,
      'STREAMS',
      streamKey,
      '>',
    );
    read = parseEntries(reply);
    next = 0;
    isEmpty = read.length === 0;
    reading = undefined;
  };

  return async () => {
    while (next === read.length && !isEmpty) {
      reading ??= readMore();
      await reading;
    }
    return read[next++];
  };
}

function parseEntries(reply: unknown): Entry[] {
  const streams = (reply ?? []) as [string, [string, string[]][]][];
  return (streams[0]?.[1] ?? []).map(([streamId, fields]) => ({
    streamId,
    userId: BigInt(fields[fields.indexOf('uid') + 1] ?? '0'),
  }));
}
