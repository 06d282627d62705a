import type pg from 'pg';
import { type Bench, firstProductId, queuePrefix } from '../bench.ts';
import type { AnswerJob, Received } from '../latency/answer-events.ts';
import { dueMs } from '../latency/open-loop.ts';
import type { LatencyJob, LatencyReport } from '../latency/pay-orders.ts';
import { commitAndConfirm } from '../limits/one-at-a-time.ts';
import { Load, LoadProcess } from '../load/load.ts';
import { type Percentiles, percentilesOf } from '../report/percentiles.ts';
import type { Recorder } from '../report/recorder.ts';
import { orderOf, takeTurns } from '../rounds.ts';
import { connectTo, createDatabase, insertProducts, settleDatabase } from '../stores/database.ts';
import { connectToBroker, createQuorumQueue, deleteQueueAtTheEnd } from '../stores/queue.ts';
import { type Program, settingsOf, startWeir } from './program.ts';
import { waitUntil } from './wait-until.ts';

export const latencyShares = [10, 50, 80] as const;
export const latencySteps = ['callback answered', 'event confirmed', 'result settled'] as const;
export const latencyName = (step: (typeof latencySteps)[number], share: number) => `${step}, ${share} % load`;

const connections = 64;
const settledWithinMs = 60_000;

interface World {
  readonly program: Program;
  readonly client: pg.Client;
  readonly queue: string;
  readonly resultQueue: string;
  readonly rabbitmq: string;
  /** Pays the orders. */
  readonly payer: LoadProcess<LatencyJob, LatencyReport>;
  /** Receives the events and answers them. */
  readonly domain: LoadProcess<AnswerJob, Received>;
}

/** Open loop: orders are paid at a fixed rate, each at its time, regardless of earlier ones. */
export async function measureLatency(bench: Bench, recorder: Recorder): Promise<void> {
  await takeTurns(bench, recorder, [await commitAndConfirm(bench)]);
  const world = await createWorld(bench);
  const highest = await findHighestRate(bench, world);
  recorder.add('highest rate, closed loop', '/s', { value: highest }, `${connections} connections`);
  let job = 0;
  for (let round = 0; round < bench.options.rounds; round++) {
    for (const share of orderOf(latencyShares, round)) {
      bench.signal.throwIfAborted();
      const perSecond = Math.max(1, Math.round((highest * share) / 100));
      const schedule = { perSecond, count: perSecond * bench.options.seconds };
      job += 1;
      const found = await followOnce(world, schedule, `LATENCY${job}N`);
      const note = `${share} % of the highest rate; p99`;
      for (const step of latencySteps) {
        const figures = { ...found[step], perSecond };
        recorder.add(latencyName(step, share), 'ms', { value: figures.p99, figures }, note);
      }
      const p99 = latencySteps.map((step) => `${found[step].p99} ms`).join(', ');
      bench.progress.say(`  latency at ${share} %, round ${round + 1}: p99 ${p99}`);
    }
  }
}

async function createWorld(bench: Bench): Promise<World> {
  const database = await createDatabase(bench, 'latency');
  const client = await connectTo(bench, database);
  const connection = await connectToBroker(bench);
  const queue = `${queuePrefix}.latency`;
  const resultQueue = `${queue}.result`;
  await createQuorumQueue(bench, connection, queue);
  deleteQueueAtTheEnd(bench, connection, resultQueue);
  const settings = settingsOf(bench, database, queue);
  const program = await startWeir(bench, ['--roles', 'http,relay,settle'], settings);
  await insertProducts(client, [firstProductId]);
  await settleDatabase(client);
  return {
    ...{ program, client, queue, resultQueue, rabbitmq: bench.addresses.rabbitmq },
    payer: new LoadProcess(bench, new URL('../latency/main.js', import.meta.url)),
    domain: new LoadProcess(bench, new URL('../latency/answer-main.js', import.meta.url)),
  };
}

/** Meanwhile events are received and answered as in the runs that follow. */
async function findHighestRate(bench: Bench, world: World): Promise<number> {
  const load = new Load(bench);
  await followOnce(world, { perSecond: 200, count: 200 }, 'WARM');
  const { seconds } = bench.options;
  const request = { kind: 'order', prefix: 'HIGHEST' } as const;
  const job = { port: world.program.port, connections, productId: firstProductId, counts: '201' };
  const { perSecond, statuses } = await load.post({ ...job, seconds, request });
  await waitUntilSettled(world, 'HIGHEST');
  await receive(world, statuses['201'] ?? 0);
  return perSecond;
}

async function followOnce(
  world: World,
  schedule: { readonly perSecond: number; readonly count: number },
  prefix: string,
): Promise<Record<(typeof latencySteps)[number], Percentiles>> {
  const { port } = world.program;
  await receive(world, 0);
  const report = await world.payer.post({ ...schedule, port, prefix, productId: firstProductId });
  if (report.statuses['201'] !== schedule.count) {
    throw new Error(`weir answered with ${JSON.stringify(report.statuses)} where only 201 was due`);
  }
  const receivedAt = new Map(await receive(world, schedule.count));
  await waitUntilSettled(world, prefix);
  const { rows } = await world.client.query<{ nth: number; ms: string }>(
    `SELECT substring(source_id FROM length($1) + 1)::int AS nth, extract(epoch FROM updated_at) * 1000 AS ms
     FROM instance_logs WHERE source = 'ORDER' AND source_id LIKE $1 || '%'`,
    [prefix],
  );
  const sinceDue = (ms: number, nth: number) => ms - report.startedMs - dueMs(schedule, nth);
  // A quorum queue delivers when it confirms.
  const confirmed = report.instances.map((id, nth) => sinceDue(receivedAt.get(id) ?? Number.NaN, nth));
  // updated_at is when the settling transaction began, so its commit is not included.
  const settled = rows.map(({ nth, ms }) => sinceDue(Number(ms), nth));
  return {
    'callback answered': report.answered,
    'event confirmed': percentilesOf(confirmed),
    'result settled': percentilesOf(settled),
  };
}

/** Waits until so many events have arrived since the last time. */
function receive({ domain, rabbitmq, queue, resultQueue }: World, events: number): Promise<Received> {
  return domain.post({ rabbitmq, queue, resultQueue, events });
}

async function waitUntilSettled({ client, program }: World, prefix: string): Promise<void> {
  await waitUntil(program, settledWithinMs, `orders of ${prefix} are PROCESSING`, async () => {
    const { rows } = await client.query<{ waits: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM instance_logs WHERE source = 'ORDER' AND source_id LIKE $1 || '%'
         AND status = 'PROCESSING') AS waits`,
      [prefix],
    );
    return rows[0]?.waits === false;
  });
}
