import { keepAnswer } from '../../lib/keep-answer.ts';
import { redisCheckout } from './checkout.ts';
import { type ClusterNode, openRedis, type RedisConfig } from './connections.ts';
import { redisMarkedStore } from './installation.ts';
import { redisLiveSales } from './live-sales.ts';
import type { RedisPorts, RedisPortsDeps } from './ports.ts';
import { redisSaleCounters } from './sale-counters.ts';
import { RedisSeckillStreams } from './seckill-streams.ts';
import { readStreamBacklog } from './stream-backlog.ts';
import { redisStreamPositions } from './stream-positions.ts';
import { listStreams, redisStreamReadings } from './stream-readings.ts';

export interface ServerPorts extends RedisPorts {
  streams: RedisSeckillStreams;
}

/** A node of a cluster, as a consumer that has the same name on every node. */
interface ClusterMember extends ClusterNode {
  consumer: string;
}

/** One Redis server, by itself, behind Sentinels, or as a node of a cluster. */
export function openRedisServer(
  config: RedisConfig,
  deps: RedisPortsDeps,
  member?: ClusterMember,
): ServerPorts {
  const { emit, ledger, verify, onConnected } = deps;
  const { commands, reader, selling, queries, disk, health, close } = openRedis(config, emit, member);
  for (const each of [commands, reader, selling, queries]) each.on('ready', onConnected);
  const isInCluster = member !== undefined;
  const onWarning = (warning: string) => emit({ type: 'warned', warning });
  const streams = new RedisSeckillStreams(commands, reader, onWarning, member);
  // The list goes through all keys of Redis.
  const listKept = keepAnswer(() => listStreams(commands), { forMs: 10_000, shareOfTime: 0.02 });
  return {
    streams,
    // Read over the connection that sells: another may lead to another server in the middle of a failover.
    live: { ...redisLiveSales(commands, { isInCluster }), read: redisLiveSales(selling).read },
    counters: redisSaleCounters(commands),
    checkout: redisCheckout(selling, {
      ...{ acknowledge: config.acknowledge, queries, ledger, verify },
      ...(disk && { disk }),
    }),
    places: redisStreamPositions(commands),
    readings: redisStreamReadings(commands, { isInCluster }),
    readBacklog: async () => readStreamBacklog(commands, await listKept()),
    mark: redisMarkedStore(commands, config.addr),
    notReady: () => health.notReady(),
    remark: () => health.remark(),
    async close() {
      if (commands.status === 'ready') await streams.leave().catch(() => {});
      await close();
    },
  };
}
