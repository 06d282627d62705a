import type { ChannelModel } from 'amqplib';
import { type Bench, queuePrefix } from '../bench.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import type { Sample } from '../report/line.ts';
import type { Subject } from '../rounds.ts';
import { connectToBroker, createQuorumQueue, openConfirmChannel } from '../stores/queue.ts';
import { publishConfirmed } from './publish-confirmed.ts';

const windows = [500, 1000, 2000, 4000];

/** Upper bound for publishing over this broker from one Node process. */
export async function brokerSubject(bench: Bench): Promise<Subject> {
  const { count } = bench.options;
  const connection = await connectToBroker(bench);
  let best = { window: 0, perSecond: 0 };
  for (const window of windows) {
    const { value } = await publishOnce(bench, connection, window, Math.ceil(count / 5));
    if (value > best.perSecond) best = { window, perSecond: value };
  }
  return {
    name: brokerAlone,
    note: `quorum queue, persistent, mandatory; ${best.window} unconfirmed, the best of ${windows.join(', ')}`,
    measure: () => publishOnce(bench, connection, best.window, count),
  };
}

export const brokerAlone = 'broker alone: publish + confirm';

async function publishOnce(
  bench: Bench,
  connection: ChannelModel,
  window: number,
  count: number,
): Promise<Sample> {
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
  return { value: count / seconds, cpuMicrosPerItem };
}
