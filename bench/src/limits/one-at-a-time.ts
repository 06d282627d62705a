import type pg from 'pg';
import { type Bench, queuePrefix } from '../bench.ts';
import type { Sample } from '../report/line.ts';
import { percentilesOf } from '../report/percentiles.ts';
import type { Subject } from '../rounds.ts';
import { connectTo, createDatabase } from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, openConfirmChannel } from '../stores/queue.ts';
import { publishConfirmed } from './publish-confirmed.ts';

/** One commit and one confirm at a time, with nothing else running: the lower bound of every latency. */
export async function commitAndConfirm(bench: Bench): Promise<Subject> {
  const database = await createDatabase(bench, 'single');
  const client = await connectTo(bench, database);
  await client.query('CREATE TABLE single (id BIGSERIAL PRIMARY KEY, event BYTEA NOT NULL)');
  const connection = await connectToBroker(bench);
  return {
    name: commitAndConfirmName,
    unit: 'ms',
    note: 'one after the other, nothing else going on; p99',
    measure: () => measureOnce(bench, client, connection),
  };
}

export const commitAndConfirmName = 'one commit + one confirm alone, p99';

async function measureOnce(
  bench: Bench,
  client: pg.Client,
  connection: Awaited<ReturnType<typeof connectToBroker>>,
): Promise<Sample> {
  const queue = `${queuePrefix}.single`;
  await createQuorumQueue(bench, connection, queue);
  const channel = await openConfirmChannel(bench);
  const event = Buffer.alloc(140, 1);
  const times: number[] = [];
  const endsAt = performance.now() + bench.options.seconds * 1000;
  while (performance.now() < endsAt) {
    bench.signal.throwIfAborted();
    const startedAt = performance.now();
    await client.query({ name: 'single', text: 'INSERT INTO single (event) VALUES ($1)', values: [event] });
    await publishConfirmed(channel, {
      ...{ queue, count: 1, window: 1, signal: bench.signal },
      onConfirmed() {},
    });
    times.push(performance.now() - startedAt);
    channel.removeAllListeners('return');
    channel.removeAllListeners('close');
  }
  const figures = percentilesOf(times);
  return { value: figures.p99, figures };
}
