import type { Alternative } from './alternative.ts';
import { insertRows, type Purchase, rowValues } from './world.ts';

/**
 * https://docs.dbos.dev/typescript: a workflow for each purchase with the entry as its id, started in this
 * process and not through a queue, which is the fastest documented way; a larger pool for the system
 * database, logs at error. The row is its first step, the message its second: repeats of a step find the id
 * that the first run wrote.
 */
export const dbos: Alternative = {
  name: 'DBOS',
  package: '@dbos-inc/dbos-sdk',
  tuning: 'a workflow of two steps for each purchase, started directly, system pool of 40',
  concurrencies: [32, 128],
  poolSize: 20,
  read: (concurrency) => ({ entries: Math.max(1, concurrency / 8), inFlight: 8 }),
  async start(world) {
    const { DBOS } = await import('@dbos-inc/dbos-sdk');
    DBOS.setConfig({
      name: 'weir-bench',
      systemDatabaseUrl: world.order.database,
      systemDatabasePoolSize: 40,
      logLevel: 'error',
    });
    const create = DBOS.registerWorkflow(
      async (purchase: Purchase) => {
        const instanceId = await DBOS.runStep(() => insertRow(purchase), { name: 'insert' });
        await DBOS.runStep(() => world.publish(world.encode({ ...purchase, instanceId })), {
          name: 'publish',
        });
      },
      { name: 'createInstance' },
    );
    const insertRow = async (purchase: Purchase): Promise<string> => {
      const { rows } = await world.pool.query<{ instance_id: string }>({
        name: 'row',
        text: `${insertRows} ON CONFLICT (source, source_id) DO UPDATE SET source = excluded.source RETURNING instance_id`,
        values: rowValues(world.order, [purchase]),
      });
      return rows[0]?.instance_id ?? purchase.instanceId;
    };
    await DBOS.launch();
    return {
      accept: async (entries) => {
        await Promise.all(
          world.number(entries).map(async (purchase) => {
            const handle = await DBOS.startWorkflow(create, { workflowID: purchase.streamId })(purchase);
            await handle.getResult();
            world.onDone(1);
          }),
        );
      },
      stop: () => DBOS.shutdown(),
    };
  },
};
