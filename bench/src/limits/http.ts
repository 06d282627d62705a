import type { Bench } from '../bench.ts';
import type { Load } from '../load/load.ts';
import { cpuPerItem, takeCpuSnapshot } from '../machine/processes.ts';
import { startPeer } from '../peers/start-peer.ts';
import type { Subject } from '../rounds.ts';

export const httpConnections = 64;
export const bareFastify = 'bare Fastify route, same request and answer';
export const bareNode = 'bare node:http route, same request and answer';

/** The cost of HTTP alone: the request and the answer of a sold-out sale. */
export async function httpSubjects(bench: Bench, load: Load): Promise<Subject[]> {
  return [
    await httpSubject(bench, load, bareFastify, 'bare-route'),
    await httpSubject(bench, load, bareNode, 'bare-http'),
  ];
}

async function httpSubject(bench: Bench, load: Load, name: string, folder: string): Promise<Subject> {
  const { pid, port } = await startPeer(bench, folder);
  const job = {
    ...{ port, connections: httpConnections, productId: 900_001, counts: '409' },
    request: { kind: 'buy', firstUser: 1 } as const,
  };
  await load.post({ ...job, seconds: Math.min(2, bench.options.seconds) });
  return {
    name,
    note: `${httpConnections} connections`,
    async measure() {
      const before = takeCpuSnapshot();
      const { perSecond, statuses, latencyMs } = await load.post({ ...job, seconds: bench.options.seconds });
      const answers = statuses['409'] ?? 0;
      return { value: perSecond, cpuMicrosPerItem: cpuPerItem(before, answers, pid), figures: latencyMs };
    },
  };
}
