import type { ChannelModel } from 'amqplib';
import { type Bench, queuePrefix } from '../bench.ts';
import { type CpuPerItem, cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { bestOf, formatRate, ratePerSecond } from '../report/rate.ts';
import type { Results } from '../report/results.ts';
import { connectToBroker, createQuorumQueue, openConfirmChannel } from '../stores/queue.ts';
import { goldenEvent } from './golden-event.ts';
import { publishConfirmed } from './publish-confirmed.ts';

const windows = [500, 1000, 2000, 4000];

export interface BrokerRun {
  readonly window: number;
  readonly messages: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly cpuMicrosPerItem: CpuPerItem;
}

export interface BrokerResult {
  readonly messageBytes: number;
  readonly runs: readonly BrokerRun[];
  readonly best: BrokerRun;
}

/** The limit: nothing that publishes over this broker, from one Node process, can be faster than this. */
export async function measureBroker(bench: Bench, results: Results): Promise<void> {
  const connection = await connectToBroker(bench);
  const runs: BrokerRun[] = [];
  for (const window of windows) {
    const run = await publishOnce(bench, connection, window, bench.options.count);
    bench.progress.say(`  broker, window ${window}: ${formatRate(run.perSecond)}`);
    runs.push(run);
    results.broker = { messageBytes: goldenEvent.length, runs, best: bestOf(runs) };
  }
}

/** The best window once more: how fast the broker is at this moment, beside one run of Weir. */
export async function measureBrokerNow(bench: Bench, { best }: BrokerResult): Promise<BrokerRun> {
  const connection = await connectToBroker(bench);
  const run = await publishOnce(bench, connection, best.window, bench.options.count);
  bench.progress.say(`  broker beside it: ${formatRate(run.perSecond)}`);
  return run;
}

async function publishOnce(
  bench: Bench,
  connection: ChannelModel,
  window: number,
  count: number,
): Promise<BrokerRun> {
  const mark = bench.cleanup.mark();
  const queue = `${queuePrefix}.broker.${window}`;
  await createQuorumQueue(bench, connection, queue);
  const channel = await openConfirmChannel(bench);

  const before = takeCpuSnapshot();
  const startedAt = performance.now();
  await publishConfirmed(channel, {
    queue,
    count,
    window,
    onConfirmed: (confirmed) => bench.progress.tick(`broker, window ${window}`, confirmed, count),
    signal: bench.signal,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuMicrosPerItem = cpuPerItem(before, count);

  await bench.cleanup.unwind(mark);
  return { window, messages: count, seconds, perSecond: ratePerSecond(count, seconds), cpuMicrosPerItem };
}
