import type { Redis } from 'ioredis';
import { formatHost } from '../../../lib/redis-address.ts';
import { connectOnce } from '../connect-once.ts';
import type { RedisConfig } from '../connections.ts';
import { RefusedError } from '../refusal.ts';
import { type ClusterAddress, configOfNode } from './node-config.ts';
import { readNewestSlotMap } from './read-slot-map.ts';

/** A connection to the node that serves the key. @throws when none does */
export async function connectToKey(
  config: RedisConfig,
  address: ClusterAddress,
  key: string,
): Promise<Redis> {
  const configOf = (node: string) => configOfNode(config, address, node);
  const node = (await readNewestSlotMap(address.seeds.map(formatHost), configOf)).primaryOf(key);
  if (node === undefined) throw new RefusedError('CLUSTER', `no node serves the slot of ${key}`);
  return connectOnce(configOf(node));
}
