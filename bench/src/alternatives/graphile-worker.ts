import type { Alternative } from './alternative.ts';
import { insertRows, inTransaction, type Purchase, rowValues } from './world.ts';

/**
 * https://worker.graphile.org/docs/performance: jobs are added in the commit of their rows and many at a time
 * (`add_jobs`), fetched in batches (`localQueue`), completed in batches (`completeJobBatchDelay`). Prepared
 * statements are off by default because they are unsafe behind a pooler; there is none here, so they are on.
 */
export const graphileWorker: Alternative = {
  name: 'graphile-worker',
  package: 'graphile-worker',
  tuning: 'add_jobs in batches of 500, localQueue of 500, completions in batches',
  concurrencies: [24, 100],
  read: () => ({ entries: 500, inFlight: 2 }),
  async start(world) {
    const { run } = await import('graphile-worker');
    const runner = await run({
      pgPool: world.pool,
      noHandleSignals: true,
      logger: await quietLogger(),
      taskList: {
        publish: async (payload) => {
          await world.publish(world.encode(payload as Purchase));
          world.onDone(1);
        },
      },
      preset: {
        worker: {
          concurrentJobs: world.order.concurrency,
          localQueue: { size: 500 },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
          preparedStatements: true,
        },
      },
    });
    return {
      accept: async (entries) => {
        const purchases = world.number(entries);
        await inTransaction(world.pool, async (client) => {
          await client.query({ name: 'rows', text: insertRows, values: rowValues(world.order, purchases) });
          await client.query({
            name: 'jobs',
            text: `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
              SELECT json_populate_record(NULL::graphile_worker.job_spec, spec) FROM json_array_elements($1::json) AS spec))`,
            values: [JSON.stringify(purchases.map((payload) => ({ identifier: 'publish', payload })))],
          });
        });
      },
      stop: () => runner.stop(),
    };
  },
};

async function quietLogger() {
  const { Logger } = await import('graphile-worker');
  return new Logger(() => () => {});
}
