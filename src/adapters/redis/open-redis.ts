import type { Redis } from 'ioredis';
import { readRedisAddress } from '../../lib/redis-address.ts';
import { RedisCluster } from './cluster/cluster.ts';
import { clusterPorts } from './cluster/cluster-ports.ts';
import { connectToKey } from './cluster/connect-to-key.ts';
import { connectOnce } from './connect-once.ts';
import type { RedisConfig } from './connections.ts';
import { redisMarkKey } from './installation.ts';
import { openRedisServer } from './open-server.ts';
import type { RedisPorts, RedisPortsDeps } from './ports.ts';
import { RedisSeckillStreams } from './seckill-streams.ts';

/** What `data.redis.addr` names. */
export function openRedisPorts(config: RedisConfig, deps: RedisPortsDeps): RedisPorts {
  const address = readRedisAddress(config.addr);
  if (address.kind !== 'cluster') return openRedisServer(config, deps);
  return clusterPorts(new RedisCluster(config, address, deps), deps.ledger);
}

/** One attempt to reach the server that carries the mark of its installation. */
export async function connectToMark(config: RedisConfig): Promise<Redis> {
  const address = readRedisAddress(config.addr);
  return address.kind === 'cluster' ? connectToKey(config, address, redisMarkKey) : connectOnce(config);
}

/** Adds entries as a program outside Weir does: on one connection, or in a cluster on one for each stream. */
interface StreamWriter {
  /** @returns the entry's id */
  add(stream: string, fields: string[]): Promise<string>;
  close(): void;
}

/** @throws when Redis does not answer */
export async function openStreamWriter(config: RedisConfig): Promise<StreamWriter> {
  const address = readRedisAddress(config.addr);
  const connections = new Map<string, Promise<Redis>>();
  const open = (stream: string) =>
    address.kind === 'cluster' ? connectToKey(config, address, stream) : connectOnce(config);
  const connect = (stream: string) => {
    const name = address.kind === 'cluster' ? stream : '';
    const connection = connections.get(name) ?? open(stream);
    connections.set(name, connection);
    // After a failure, such as a slot that has moved, it is looked for again.
    return connection.catch((error: unknown) => {
      connections.delete(name);
      throw error;
    });
  };
  await connect('');
  return {
    async add(stream, fields) {
      const redis = await connect(stream);
      try {
        return (await new RedisSeckillStreams(redis, redis).add(stream, [fields]))[0] ?? '';
      } catch (error) {
        if (address.kind === 'cluster' && connections.delete(stream)) redis.disconnect();
        throw error;
      }
    },
    close() {
      for (const connection of connections.values())
        connection.then(
          (redis) => redis.disconnect(),
          () => {},
        );
    },
  };
}
