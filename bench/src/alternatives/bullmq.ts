import type { Alternative } from './alternative.ts';
import { insertRows, type Purchase, rowValues } from './world.ts';

/**
 * https://docs.bullmq.io: `addBulk`, a worker `concurrency` of 100 to 300 for waiting work, finished jobs
 * removed. Row and job are in two stores, so the job is what survives a kill, and the job writes the row: if
 * a repeat of the job finds an id, it keeps it.
 */
export const bullmq: Alternative = {
  name: 'BullMQ',
  package: 'bullmq',
  tuning: 'addBulk of 500 with the entry as job id, removeOnComplete; row and message in the job',
  concurrencies: [100, 300],
  poolSize: 20,
  read: () => ({ entries: 500, inFlight: 2 }),
  async start(world) {
    const { Queue, Worker } = await import('bullmq');
    const { Redis } = await import('ioredis');
    const connect = () => new Redis(world.order.redis, { maxRetriesPerRequest: null });
    const name = `weir-bench-${process.pid}`;
    const queue = new Queue<Purchase>(name, { connection: connect() });
    const worker = new Worker<Purchase>(
      name,
      async ({ data }) => {
        const { rows } = await world.pool.query<{ instance_id: string }>({
          name: 'row',
          text: `${insertRows} ON CONFLICT (source, source_id) DO UPDATE SET source = excluded.source RETURNING instance_id`,
          values: rowValues(world.order, [data]),
        });
        await world.publish(world.encode({ ...data, instanceId: rows[0]?.instance_id ?? data.instanceId }));
        world.onDone(1);
      },
      { connection: connect(), concurrency: world.order.concurrency, removeOnComplete: { count: 0 } },
    );
    worker.on('error', () => {}); // unfinished work shows up as missing at the end
    await worker.waitUntilReady();
    return {
      accept: async (entries) => {
        const jobs = world
          .number(entries)
          .map((data) => ({ name: 'publish', data, opts: { jobId: data.streamId } }));
        await queue.addBulk(jobs);
      },
      stop: async () => {
        await worker.close();
        await queue.obliterate({ force: true });
      },
    };
  },
};
