import { setTimeout as sleep } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { countMessages } from '../stores/queue.ts';
import { countPending, type RedisClient, streamKey } from '../stores/stream.ts';

const acknowledgedWithinMs = 10_000;

interface Outcome {
  readonly client: pg.Client;
  readonly redis: RedisClient;
  readonly connection: ChannelModel;
  readonly queue: string;
  readonly productIds: readonly number[];
  readonly count: number;
  /** Fewer than `count` when some purchases had their instance before. */
  readonly messages: number;
}

/** A run that loses, duplicates or forgets anything is invalid: throws with everything that is wrong. */
export async function expectComplete(bench: Bench, outcome: Outcome): Promise<void> {
  const { client, redis, connection, queue, productIds, count, messages } = outcome;
  const { rows } = await client.query<{ rows: string; instances: string; entries: string }>(
    `SELECT count(*) AS rows, count(DISTINCT instance_id) AS instances, count(DISTINCT (scope, source_id)) AS entries
     FROM instance_logs WHERE product_id = ANY($1::bigint[])`,
    [productIds],
  );
  let pending = 0;
  for (const productId of productIds)
    pending += await waitUntilAcknowledged(bench, redis, streamKey(productId));
  const due: Record<string, number> = { 'messages in the queue': messages, 'unacknowledged entries': 0 };
  const found = {
    rows: Number(rows[0]?.rows),
    'instance ids': Number(rows[0]?.instances),
    'stream entries': Number(rows[0]?.entries),
    'messages in the queue': await countMessages(bench, connection, queue, messages),
    'unacknowledged entries': pending,
  };
  const wrong = Object.entries(found)
    .filter(([what, n]) => n !== (due[what] ?? count))
    .map(([what, n]) => `${n} ${what}`);
  if (wrong.length > 0) throw new Error(`${count} purchases went in, but there are ${wrong.join(', ')}`);
}

// Acknowledgements follow the commit, so the last ones may still be in progress.
async function waitUntilAcknowledged(bench: Bench, redis: RedisClient, key: string): Promise<number> {
  const deadline = performance.now() + acknowledgedWithinMs;
  while (true) {
    bench.signal.throwIfAborted();
    const pending = await countPending(redis, key);
    if (pending === 0 || performance.now() > deadline) return pending;
    await sleep(50);
  }
}
