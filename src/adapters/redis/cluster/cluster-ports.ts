import type { HeldUnit, UnitAnswer } from '../../../core/compensation/restock.ts';
import { streamOf } from '../../../core/triggers/seckill-key.ts';
import { WeirError } from '../../../errors.ts';
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

/** One question for each node; one whose slots have moved meanwhile is asked stream by stream. */
async function readEach(
  cluster: RedisCluster,
  streams: readonly string[],
): Promise<(LiveSale | undefined)[]> {
  const found = new Map<string, LiveSale | undefined>();
  await Promise.all(
    [...groupByNode(cluster, streams, (stream) => stream)].map(async ([, some]) => {
      const [first = ''] = some;
      const sales = await cluster
        .route(first, ({ live }) => live.read(some))
        .catch(async () => {
          const one = async (stream: string) =>
            (await cluster.route(stream, ({ live }) => live.read([stream])))[0];
          return Promise.all(some.map(one));
        });
      some.forEach((stream, i) => {
        found.set(stream, sales[i]);
      });
    }),
  );
  return streams.map((stream) => found.get(stream));
}

/** A node that fails must not keep the units of others: its own come later. */
async function restockEach(cluster: RedisCluster, units: readonly HeldUnit[]): Promise<UnitAnswer[]> {
  const groups = [...groupByNode(cluster, units, ({ stream }) => stream)];
  const answers = new Map<HeldUnit, UnitAnswer>();
  const settled = await Promise.allSettled(groups.map(([node, held]) => node.counters.restock(held)));
  settled.forEach((outcome, i) => {
    const held = groups[i]?.[1] ?? [];
    held.forEach((unit, at) => {
      const answer = outcome.status === 'fulfilled' ? outcome.value[at] : { later: String(outcome.reason) };
      answers.set(unit, answer ?? { later: 'no answer' });
    });
  });
  const failed = settled.find((outcome) => outcome.status === 'rejected');
  if (failed && settled.every(({ status }) => status === 'rejected')) throw failed.reason;
  return units.map((unit) => answers.get(unit) ?? { later: 'no node of Redis serves this key' });
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

function groupByNode<T>(
  cluster: RedisCluster,
  items: readonly T[],
  streamOfItem: (item: T) => string,
): Map<ServerPorts, T[]> {
  const groups = new Map<ServerPorts, T[]>();
  for (const item of items) {
    const node = cluster.nodeOf(streamOfItem(item));
    const group = groups.get(node);
    if (group) group.push(item);
    else groups.set(node, [item]);
  }
  return groups;
}

function addUp(a: StreamBacklog, b: StreamBacklog): StreamBacklog {
  return {
    streams: a.streams + b.streams,
    undelivered: a.undelivered + b.undelivered,
    pending: a.pending + b.pending,
    oldestAgeMs: Math.max(a.oldestAgeMs, b.oldestAgeMs),
  };
}
