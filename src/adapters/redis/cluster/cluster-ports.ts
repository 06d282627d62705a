import type { HeldUnit, UnitAnswer } from '../../../core/compensation/restock.ts';
import { streamOf } from '../../../core/triggers/seckill-key.ts';
import { WeirError } from '../../../errors.ts';
import { groupBy } from '../../../lib/group-by.ts';
import type { StreamBacklog } from '../../../ops/live/backlog.ts';
import type { LiveSale } from '../../../sale/live-sales.ts';
import { redisMarkKey } from '../installation.ts';
import type { ServerPorts } from '../open-server.ts';
import type { RedisPorts, RedisPortsDeps } from '../ports.ts';
import type { RedisCluster } from './cluster.ts';
import { clusterStreams } from './cluster-streams.ts';

/** Everything of one product is on one slot, so each call goes to one node; what concerns all products goes to every node. */
export function clusterPorts(cluster: RedisCluster, ledger: RedisPortsDeps['ledger']): RedisPorts {
  const onMark = <T>(work: (node: ServerPorts) => Promise<T>) => cluster.route(redisMarkKey, work);
  return {
    streams: clusterStreams(cluster),
    live: {
      open: (sale) => cluster.route(sale.stream, ({ live }) => live.open(sale)),
      apply: (sale) => cluster.route(sale.stream, ({ live }) => live.apply(sale)),
      rebuild: (sale, readUnits) => cluster.route(sale.stream, ({ live }) => live.rebuild(sale, readUnits)),
      read: (streams) => readEach(cluster, streams),
      readReachable: (streams) => readReachable(cluster, streams),
    },
    counters: { restock: (units) => restockEach(cluster, units) },
    checkout: {
      buy: (productId, buyers) =>
        cluster.route(streamOf(productId), ({ checkout }) => checkout.buy(productId, buyers)),
      readSale: (productId, knows) =>
        cluster.route(streamOf(productId), ({ checkout }) => checkout.readSale(productId, knows)),
      issueTicket: (productId, holder) =>
        cluster.route(streamOf(productId), ({ checkout }) => checkout.issueTicket(productId, holder)),
      ...ledger,
    },
    places: { locate: (stream, ids) => cluster.route(stream, ({ places }) => places.locate(stream, ids)) },
    readings: {
      read: () => readAll(cluster),
      async *listUnits(stream, number) {
        yield* cluster.nodeOf(stream).readings.listUnits?.(stream, number) ?? [];
      },
    },
    async readBacklog() {
      return (await Promise.all(cluster.nodes.map((node) => node.readBacklog()))).reduce(addUp);
    },
    mark: {
      kind: 'REDIS',
      name: 'Redis Cluster',
      address: cluster.address,
      readMark: () => onMark(({ mark }) => mark.readMark()),
      writeMark: (mark) => onMark((node) => node.mark.writeMark(mark)),
    },
    notReady: () => cluster.notReady(),
    remark: () => cluster.remark(),
    close: () => cluster.close(),
  };
}

/** One question for each node, and all of them again when a slot has moved. */
async function readEach(
  cluster: RedisCluster,
  streams: readonly string[],
): Promise<(LiveSale | undefined)[]> {
  const found = new Map<string, LiveSale | undefined>();
  const readFrom = async (node: ServerPorts, some: readonly string[]) => {
    const sales = await node.live.read(some);
    some.forEach((stream, i) => {
      found.set(stream, sales[i]);
    });
  };
  await cluster.afterMoves(() => {
    const groups = groupBy(streams, (stream) => cluster.nodeOf(stream));
    return Promise.all([...groups].map(([node, some]) => readFrom(node, some)));
  });
  return streams.map((stream) => found.get(stream));
}

/** The sales of a node that fails are missing. @throws when every node fails */
async function readReachable(
  cluster: RedisCluster,
  streams: readonly string[],
): Promise<(LiveSale | undefined)[]> {
  const found = new Map<string, LiveSale | undefined>();
  await askReachable(cluster, groupBy(streams, cluster.findNode.bind(cluster)), async (node, some) => {
    const sales = await node.live.read(some);
    for (const [i, stream] of some.entries()) found.set(stream, sales[i]);
  });
  return streams.map((stream) => found.get(stream));
}

/** The units of a node that fails come later. @throws when every node fails */
async function restockEach(cluster: RedisCluster, units: readonly HeldUnit[]): Promise<UnitAnswer[]> {
  const answers = new Map<HeldUnit, UnitAnswer>();
  const groups = groupBy(units, ({ stream }) => cluster.findNode(stream));
  const failure = await askReachable(cluster, groups, async (node, held) => {
    const found = await node.counters.restock(held);
    for (const [i, unit] of held.entries()) answers.set(unit, found[i] as UnitAnswer);
  });
  return units.map((unit) => answers.get(unit) ?? { later: String(failure) });
}

/**
 * Asks each node for its group. A node that fails or is missing must not keep the others from answering.
 *
 * @returns why one of them failed; undefined: none did
 * @throws when every node fails
 */
async function askReachable<Item>(
  cluster: RedisCluster,
  groups: ReadonlyMap<ServerPorts | undefined, Item[]>,
  ask: (node: ServerPorts, items: Item[]) => Promise<void>,
): Promise<unknown> {
  const settled = await Promise.allSettled(
    [...groups].map(async ([node, items]) => {
      if (!node) throw cluster.unservedError();
      await ask(node, items);
    }),
  );
  const failed = settled.filter((outcome) => outcome.status === 'rejected');
  if (failed.length > 0 && failed.length === settled.length) throw failed[0]?.reason;
  return failed[0]?.reason;
}

/** For the audit: of every node, or of none. */
async function readAll(cluster: RedisCluster): ReturnType<RedisPorts['readings']['read']> {
  await cluster.refresh();
  const { map } = cluster;
  if (!map || map.missing > 0) throw new WeirError('STORE_UNAVAILABLE', cluster.remark() ?? 'Redis Cluster');
  const read = await Promise.all(cluster.nodes.map(({ readings }) => readings.read()));
  await cluster.refresh();
  // A stream that moved meanwhile was read twice or never.
  if (cluster.map !== map) throw new WeirError('STORE_UNAVAILABLE', 'slots of Redis Cluster are being moved');
  return { streams: read.flatMap(({ streams }) => streams), sales: read.flatMap(({ sales }) => sales) };
}

function addUp(a: StreamBacklog, b: StreamBacklog): StreamBacklog {
  return {
    streams: a.streams + b.streams,
    undelivered: a.undelivered + b.undelivered,
    pending: a.pending + b.pending,
    oldestAgeMs: Math.max(a.oldestAgeMs, b.oldestAgeMs),
  };
}
