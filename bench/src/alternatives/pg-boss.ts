import type { Alternative } from './alternative.ts';
import { insertRows, inTransaction, type Purchase, rowValues } from './world.ts';

const queue = 'publish';

/**
 * https://timgit.github.io/pg-boss: `insert` adds many jobs at a time and, given `db`, in the caller's
 * transaction; workers fetch `batchSize` jobs and complete them together. Polling is as short as allowed, 0.5
 * s, so several workers take turns; version 10 is the newest that runs on Node 20.
 */
export const pgBoss: Alternative = {
  name: 'pg-boss',
  package: 'pg-boss',
  tuning: 'insert in batches of 500, batchSize 500; as many workers as fetch fastest, no priorities',
  concurrencies: [4, 12],
  read: () => ({ entries: 500, inFlight: 2 }),
  async start(world) {
    const { default: PgBoss } = await import('pg-boss');
    const boss = new PgBoss({
      connectionString: world.order.database,
      supervise: false,
      schedule: false,
      max: 10,
    });
    boss.on('error', () => {}); // unfinished work shows up as missing at the end
    await boss.start();
    await boss.createQueue(queue);
    const options = { batchSize: 500, pollingIntervalSeconds: 0.5, priority: false };
    for (let worker = 0; worker < world.order.concurrency; worker++) {
      await boss.work(queue, options, async (jobs) => {
        await Promise.all(jobs.map(({ data }) => world.publish(world.encode(data as Purchase))));
        world.onDone(jobs.length);
      });
    }
    return {
      accept: async (entries) => {
        const purchases = world.number(entries);
        await inTransaction(world.pool, async (client) => {
          await client.query({ name: 'rows', text: insertRows, values: rowValues(world.order, purchases) });
          const db = { executeSql: (text: string, values: unknown[]) => client.query(text, values) };
          await boss.insert(
            purchases.map((data) => ({ name: queue, data })),
            { db },
          );
        });
      },
      stop: () => boss.stop({ graceful: true, wait: true, timeout: 5000 }),
    };
  },
};
