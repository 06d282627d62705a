import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Bench } from '../bench.ts';
import { findFreePort } from '../weir/free-port.ts';
import { redisConfig, startOwnRedis } from './own-servers.ts';

const slots = 16_384;
const formedWithinMs = 30_000;

/** Three primaries without replicas, with the settings of a single server. @returns `redis+cluster://…` */
export async function startOwnRedisCluster(bench: Bench): Promise<string> {
  const urls: URL[] = [];
  for (let n = 0; n < 3; n++) {
    const cluster = { 'cluster-enabled': 'yes', 'cluster-port': String(await findFreePort()) };
    urls.push(await startOwnRedis(bench, { ...redisConfig, ...cluster }));
  }
  const mark = bench.cleanup.mark();
  const nodes = urls.map((url) => new Redis(url.href));
  bench.cleanup.add('connections to the cluster', async () =>
    nodes.forEach((node) => void node.disconnect()),
  );
  const share = Math.ceil(slots / nodes.length);
  for (const [n, node] of nodes.entries()) {
    const last = Math.min(slots, (n + 1) * share) - 1;
    await node.call('CLUSTER', 'ADDSLOTSRANGE', n * share, last);
    const [, busPort = ''] = (await node.config('GET', 'cluster-port')) as string[];
    await nodes[0]?.call('CLUSTER', 'MEET', '127.0.0.1', urls[n]?.port ?? '', busPort);
  }
  const deadline = performance.now() + formedWithinMs;
  for (const node of nodes) {
    while (!/cluster_state:ok.*cluster_known_nodes:3/s.test(await node.cluster('INFO'))) {
      bench.signal.throwIfAborted();
      if (performance.now() > deadline) throw new Error('the nodes of Redis did not form a cluster');
      await sleep(50);
    }
  }
  await bench.cleanup.unwind(mark);
  return `redis+cluster://${urls.map(({ host }) => host).join(',')}`;
}
