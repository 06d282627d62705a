import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Bench } from '../bench.ts';
import { benchFolder } from '../folders.ts';
import { readRssMiB } from '../machine/processes.ts';
import type { Recorder } from '../report/recorder.ts';
import { startBetweenStreamAndQueue, workOff } from './work-off.ts';

const mostWarmUp = 10_000;
/** PostgreSQL's sessions report their statistics once a second. */
const statisticsMs = 1_500;

/** The cost of one purchase between stream and confirm, in everything that can be counted. */
export async function measureCost(bench: Bench, recorder: Recorder): Promise<void> {
  for (let round = 0; round < bench.options.rounds; round++) {
    bench.signal.throwIfAborted();
    const mark = bench.cleanup.mark();
    await measureOnce(bench, recorder);
    await bench.cleanup.unwind(mark);
    bench.progress.say(`  cost, round ${round + 1} of ${bench.options.rounds}`);
  }
}

async function measureOnce(bench: Bench, recorder: Recorder): Promise<void> {
  const { count } = bench.options;
  const allocationsFile = join(tmpdir(), `weir-bench-allocations-${process.pid}`);
  const setup = await startBetweenStreamAndQueue(bench, {
    purpose: 'cost',
    settings: {
      NODE_OPTIONS: `--import ${join(benchFolder, 'count-allocations.mjs')}`,
      WEIRBENCH_ALLOCATIONS_FILE: allocationsFile,
    },
  });
  const pid = setup.programs[0]?.pid ?? 0;
  await workOff(bench, setup, { count: Math.min(mostWarmUp, count), title: 'warming up' });
  const deadBefore = await readRowsMadeDead(setup.client);
  const allocatedBefore = await readAllocatedBytes(allocationsFile);
  let highestRssMiB = 0;
  const { cpuMicrosPerItem, walBytesEach } = await workOff(bench, setup, {
    count,
    title: 'cost',
    onLook: () => {
      highestRssMiB = Math.max(highestRssMiB, readRssMiB(pid) ?? 0);
    },
  });
  const allocated = (await readAllocatedBytes(allocationsFile)) - allocatedBefore;
  const dead = (await readRowsMadeDead(setup.client)) - deadBefore;
  const cpu = {
    Node: cpuMicrosPerItem.program,
    PostgreSQL: cpuMicrosPerItem.postgres,
    RabbitMQ: cpuMicrosPerItem.rabbitmq,
    Redis: cpuMicrosPerItem.redis,
  };
  for (const [name, micros] of Object.entries(cpu)) {
    if (micros !== undefined) recorder.add(`CPU, ${name}`, 'µs each', { value: micros });
  }
  recorder.add('write-ahead log', 'bytes each', { value: walBytesEach });
  recorder.add('rows made dead, per 1,000 purchases', 'rows', { value: (dead / count) * 1000 });
  recorder.add('allocated on the JavaScript heap', 'bytes each', { value: allocated / count });
  recorder.add('resident memory, highest', 'MiB', { value: highestRssMiB });
}

/** Updated or deleted rows of all tables: what vacuum has to remove. */
async function readRowsMadeDead(client: pg.Client): Promise<number> {
  await sleep(statisticsMs);
  const { rows } = await client.query<{ n: string }>(
    'SELECT sum(n_tup_upd + n_tup_del) AS n FROM pg_stat_user_tables',
  );
  return Number(rows[0]?.n);
}

async function readAllocatedBytes(file: string): Promise<number> {
  await sleep(statisticsMs);
  return Number(readFileSync(file, 'utf8'));
}
