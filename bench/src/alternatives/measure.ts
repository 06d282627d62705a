import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { type Bench, queuePrefix, takeProductIds } from '../bench.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { createPeerTables } from '../peers/tables.ts';
import type { Sample } from '../report/line.ts';
import {
  connectTo,
  createDatabase,
  insertProducts,
  readWalBytes,
  settleDatabase,
} from '../stores/database.ts';
import { connectToBroker, countMessages, createQuorumQueue } from '../stores/queue.ts';
import { connectToRedis, countPending, fillStream } from '../stores/stream.ts';
import type { Alternative } from './alternative.ts';
import type { AlternativeReport } from './run.ts';
import { type Order, streamGroup } from './world.ts';

const readyWithinMs = 60_000;
const stoppedWithinMs = 8_000;

interface Run {
  readonly concurrency: number;
  readonly count: number;
  readonly seconds: number;
}

/**
 * One run in a new process. Throws unless rows and messages are as many as the purchases, and all entries are
 * acknowledged.
 */
export async function measureAlternative(bench: Bench, alternative: Alternative, run: Run): Promise<Sample> {
  const database = await createDatabase(bench, 'alternative');
  const client = await connectTo(bench, database);
  await createPeerTables(client);
  const [productId] = takeProductIds(1) as [number];
  await insertProducts(client, [productId]);
  const redis = await connectToRedis(bench);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.alternative`;
  await createQuorumQueue(bench, connection, queue);
  // Not a seckill stream: a Weir that runs elsewhere must not read it.
  const streamKey = `weir:bench:${process.pid}:alternative`;
  await fillStream(bench, redis, streamKey, run.count);
  await redis.xgroup('CREATE', streamKey, streamGroup, '0');
  const { concurrency, seconds } = run;
  const child = await start(bench, {
    ...{ alternative: alternative.name, database, queue, streamKey, productId, concurrency, seconds },
    ...{ redis: bench.addresses.redis, rabbitmq: bench.addresses.rabbitmq },
  });
  await settleDatabase(client);

  const before = takeCpuSnapshot();
  const walBefore = await readWalBytes(client);
  const { purchases, seconds: took } = await go(bench, child);
  const cpuMicrosPerItem = cpuPerItem(before, purchases, child.pid ?? 0);
  const walBytesEach = ((await readWalBytes(client)) - walBefore) / purchases;
  await expectEffect(client, purchases);
  const messages = await countMessages(bench, connection, queue, purchases);
  if (messages !== purchases) throw new Error(`${messages} messages of ${purchases} purchases`);
  const pending = await countPending(redis, streamKey);
  if (pending !== 0) throw new Error(`${pending} entries were never acknowledged`);
  return { value: purchases / took, cpuMicrosPerItem, figures: { purchases, walBytesEach } };
}

async function start(bench: Bench, order: Order): Promise<ChildProcess> {
  const child = fork(new URL('main.js', import.meta.url), [JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  bench.cleanup.add(`process ${child.pid} (${order.alternative})`, () => stop(child));
  const answer = await Promise.race([
    receive<'ready'>(child),
    sleep(readyWithinMs, undefined, { ref: false }),
  ]);
  if (answer === undefined) throw new Error(`not ready within ${readyWithinMs / 1000} s`);
  return child;
}

async function go(bench: Bench, child: ChildProcess): Promise<AlternativeReport> {
  const answered = receive<{ readonly report: AlternativeReport }>(child);
  child.send('go');
  const aborted = new Promise<never>((_, reject) => {
    bench.signal.addEventListener('abort', () => reject(bench.signal.reason), { once: true });
  });
  return (await Promise.race([answered, aborted])).report;
}

async function receive<Message>(child: ChildProcess): Promise<Message> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`its process ended with ${code}`);
  });
  const message = await Promise.race([once(child, 'message').then(([first]) => first), ended]);
  if (typeof message === 'object' && 'failed' in message) throw new Error(message.failed);
  return message as Message;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.send('stop');
  const outcome = await Promise.race([ended, sleep(stoppedWithinMs, 'hangs', { ref: false })]);
  if (outcome !== 'hangs') return;
  child.kill('SIGTERM');
  if ((await Promise.race([ended, sleep(1000, 'hangs', { ref: false })])) === 'hangs') child.kill('SIGKILL');
}

async function expectEffect(client: pg.Client, purchases: number): Promise<void> {
  const { rows } = await client.query<{ rows: string; instances: string; entries: string }>(
    `SELECT count(*) AS rows, count(DISTINCT instance_id) AS instances, count(DISTINCT source_id) AS entries
     FROM instance_logs`,
  );
  for (const [what, found] of Object.entries(rows[0] ?? {})) {
    if (Number(found) !== purchases) throw new Error(`${found} ${what} of ${purchases} purchases`);
  }
}
