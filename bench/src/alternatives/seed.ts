import type { ProductRow } from '../peers/event.ts';
import { encodeEvent } from '../peers/event.ts';
import type { Alternative } from './alternative.ts';
import { type Entry, streamGroup, type World } from './world.ts';

/**
 * The seed's CreateInstance, message by message: look up, publish, insert, acknowledge, in the seed's order.
 * The seed publishes without confirms and not persistently; here with both, because it would lose messages
 * whenever the broker stops.
 */
export const seed: Alternative = {
  name: "the seed's flow",
  tuning: 'message by message; confirmed and persistent, which its document leaves out',
  concurrencies: [16, 32, 64, 128],
  // More connections than this make two cores slower, not faster.
  poolSize: 32,
  read: (concurrency) => ({ entries: Math.max(1, concurrency / 8), inFlight: 8 }),
  async start(world) {
    return {
      accept: async (entries) => {
        await Promise.all(world.number(entries).map((purchase) => createInstance(world, purchase)));
      },
    };
  },
};

async function createInstance(world: World, entry: Entry & { instanceId: string }): Promise<void> {
  const { order, pool, redis } = world;
  const { rows } = await pool.query<ProductRow>({
    name: 'find-product',
    text: 'SELECT name, cpus, memory_mb, gpu, image FROM products WHERE id = $1',
    values: [order.productId],
  });
  await world.publish(encodeEvent(BigInt(entry.instanceId), BigInt(entry.userId), rows[0] as ProductRow));
  await pool.query({
    name: 'insert-instance-log',
    text: `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
           VALUES ($1, $2, $3, 'SECKILL', $4)`,
    values: [order.productId, entry.userId, entry.instanceId, entry.streamId],
  });
  await redis.xack(order.streamKey, streamGroup, entry.streamId);
  world.onDone(1);
}
