import { readRedisAddress } from '../../lib/redis-address.ts';
import { RedisCluster } from './cluster/cluster.ts';
import { clusterPorts } from './cluster/cluster-ports.ts';
import type { RedisConfig } from './connections.ts';
import { openRedisServer } from './open-server.ts';
import type { RedisPorts, RedisPortsDeps } from './ports.ts';

/** What `data.redis.addr` names. */
export function openRedisPorts(config: RedisConfig, deps: RedisPortsDeps): RedisPorts {
  const address = readRedisAddress(config.addr);
  if (address.kind !== 'cluster') return openRedisServer(config, deps);
  return clusterPorts(new RedisCluster(config, address, deps), deps.ledger);
}
