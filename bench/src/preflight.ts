import { hidePassword } from './addresses.ts';
import type { Bench } from './bench.ts';
import { connectTo } from './stores/database.ts';
import { connectToBroker } from './stores/queue.ts';
import { connectToRedis, listSeckillStreams } from './stores/stream.ts';

/** Throws with everything that prevents a run, each with the remedy. */
export async function checkServers(bench: Bench): Promise<void> {
  const { postgres, redis, rabbitmq } = bench.addresses;
  const mark = bench.cleanup.mark();
  const found = [
    await findMistake('PostgreSQL', 'WEIR_BENCH_POSTGRES', postgres, () => connectTo(bench, postgres)),
    await findMistake('RabbitMQ', 'WEIR_BENCH_RABBITMQ', rabbitmq, () => connectToBroker(bench)),
    await findMistake('Redis', 'WEIR_BENCH_REDIS', redis, () => expectNoStreams(bench)),
  ];
  await bench.cleanup.unwind(mark);
  const mistakes = found.filter((mistake) => mistake !== undefined);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
}

async function findMistake(
  server: string,
  variable: string,
  address: string,
  connect: () => Promise<unknown>,
) {
  if (!URL.canParse(address)) return `${variable} is not a URL.`;
  try {
    await connect();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    return `${server} at ${hidePassword(address)}: ${reason}. Start it, or say where it is in ${variable}.`;
  }
}

// Weir reads every seckill stream of its Redis: in the Redis of a real shop the bench would take its winners.
async function expectNoStreams(bench: Bench): Promise<void> {
  const streams = await listSeckillStreams(await connectToRedis(bench));
  if (streams.length === 0) return;
  throw new Error(
    `this database holds ${streams.length} seckill stream(s) (${streams.slice(0, 3).join(', ')}), and Weir would ` +
      'read them; the bench needs a database without: redis://host:port/<another number>',
  );
}
