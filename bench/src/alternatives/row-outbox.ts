import { setTimeout as sleep } from 'node:timers/promises';
import type { Alternative } from './alternative.ts';
import { insertRows, inTransaction, rowValues, type World } from './world.ts';

const claimed = 1000;
const idleMs = 5;

/**
 * The usual hand-written solution: rows and one outbox row for each event in one commit, claimed and deleted
 * by a relay.
 */
export const rowOutbox: Alternative = {
  name: 'hand-written outbox, a row for each event',
  tuning: `batches of 500; one relay claims ${claimed} rows with SKIP LOCKED`,
  concurrencies: [2, 4],
  read: (concurrency) => ({ entries: 500, inFlight: concurrency }),
  async start(world) {
    let isStopped = false;
    const relaying = (async () => {
      while (!isStopped) if ((await relayOnce(world)) === 0) await sleep(idleMs);
    })();
    return {
      accept: async (entries) => {
        const purchases = world.number(entries);
        await inTransaction(world.pool, async (client) => {
          await client.query({ name: 'rows', text: insertRows, values: rowValues(world.order, purchases) });
          await client.query({
            name: 'events',
            text: 'INSERT INTO outbox (event) SELECT * FROM unnest($1::bytea[])',
            values: [purchases.map(world.encode)],
          });
        });
      },
      stop: async () => {
        isStopped = true;
        await relaying;
      },
    };
  },
};

async function relayOnce(world: World): Promise<number> {
  let count = 0;
  await inTransaction(world.pool, async (client) => {
    const { rows } = await client.query<{ id: string; event: Buffer }>({
      name: 'claim',
      text: `SELECT id, event FROM outbox ORDER BY id LIMIT ${claimed} FOR UPDATE SKIP LOCKED`,
    });
    count = rows.length;
    if (count === 0) return;
    await Promise.all(rows.map(({ event }) => world.publish(event)));
    await client.query({
      name: 'delete',
      text: 'DELETE FROM outbox WHERE id = ANY($1::bigint[])',
      values: [rows.map(({ id }) => id)],
    });
  });
  if (count > 0) world.onDone(count);
  return count;
}
