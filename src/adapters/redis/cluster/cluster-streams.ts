import { setTimeout as delay } from 'node:timers/promises';
import type { StreamBatch } from '../../../core/triggers/seckill-streams.ts';
import type { ServerPorts } from '../open-server.ts';
import type { RedisStreams } from '../ports.ts';
import type { RedisCluster } from './cluster.ts';

const retryMs = 250;

/** The streams of all nodes, each read on the node that has it. */
export function clusterStreams(cluster: RedisCluster): RedisStreams {
  const reads = new NodeReads();
  return {
    // Not repeated elsewhere when a slot moves: some entries may have been added.
    add: (stream, entries) => cluster.nodeOf(stream).streams.add(stream, entries),
    discover: async () => void (await onEach(cluster, ({ streams }) => streams.discover())),
    trim: async (keepMs) => void (await onEach(cluster, ({ streams }) => streams.trim(keepMs))),
    takeOver: async (count, minIdleMs, except) =>
      (await onEach(cluster, ({ streams }) => streams.takeOver(count, minIdleMs, except))).flat(),
    read: (count, blockMs, except) =>
      reads.next(cluster.nodes, (node) => node.streams.read(count, blockMs, except)),
    readAgain: (stream) => cluster.route(stream, ({ streams }) => streams.readAgain(stream)),
    keep: (stream, ids) => cluster.route(stream, ({ streams }) => streams.keep(stream, ids)),
    setDeliveries: (stream, id, deliveries) =>
      cluster.route(stream, ({ streams }) => streams.setDeliveries(stream, id, deliveries)),
    readOriginals: (stream, ids) =>
      cluster.route(stream, ({ streams }) => streams.readOriginals(stream, ids)),
    acknowledge: (stream, ids) => cluster.route(stream, ({ streams }) => streams.acknowledge(stream, ids)),
  };
}

/** A node that fails holds up no other. @throws its error when every node fails */
async function onEach<T>(cluster: RedisCluster, work: (node: ServerPorts) => Promise<T>): Promise<T[]> {
  const settled = await Promise.allSettled(cluster.nodes.map(work));
  const done = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = settled.find((each) => each.status === 'rejected');
  if (failed && done.length === 0) throw failed.reason;
  return done;
}

interface NodeRead {
  node: ServerPorts;
  batches: StreamBatch[];
  error?: unknown;
}

/** A read of each node is under way all the time. One that has begun stays until it is answered, whichever call sees that. */
class NodeReads {
  readonly #underWay = new Map<ServerPorts, Promise<NodeRead>>();
  readonly #failedUntilMs = new Map<ServerPorts, number>();

  /** @throws when the nodes fail, all of them */
  async next(
    nodes: readonly ServerPorts[],
    read: (node: ServerPorts) => Promise<StreamBatch[]>,
  ): Promise<StreamBatch[]> {
    const now = performance.now();
    for (const node of nodes) {
      if (this.#underWay.has(node) || now < (this.#failedUntilMs.get(node) ?? 0)) continue;
      this.#underWay.set(node, readOne(node, read));
    }
    for (const node of this.#failedUntilMs.keys())
      if (!nodes.includes(node)) this.#failedUntilMs.delete(node);
    if (this.#underWay.size === 0) {
      await delay(retryMs);
      return [];
    }
    const { node, batches, error } = await Promise.race(this.#underWay.values());
    this.#underWay.delete(node);
    if (error === undefined) {
      this.#failedUntilMs.delete(node);
      return batches;
    }
    this.#failedUntilMs.set(node, performance.now() + retryMs);
    if (nodes.every((each) => this.#failedUntilMs.has(each))) throw error;
    return [];
  }
}

function readOne(node: ServerPorts, read: (node: ServerPorts) => Promise<StreamBatch[]>): Promise<NodeRead> {
  return read(node).then(
    (batches) => ({ node, batches }),
    (error: unknown) => ({ node, batches: [], error }),
  );
}
