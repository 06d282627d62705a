import type { Redis } from 'ioredis';
import { withDeadline } from '../connect.ts';
import { connectOnce } from '../connect-once.ts';
import type { RedisConfig } from '../connections.ts';
import { RefusedError } from '../refusal.ts';
import { SlotMap, type SlotRange } from './slot-map.ts';

const deadlineMs = 1_500;

/** What one node, at `host:port`, knows of its cluster. @throws when it does not answer or is no node of a cluster */
export async function readSlotMap(config: RedisConfig, node: string): Promise<SlotMap> {
  let redis: Redis | undefined;
  try {
    redis = await connectOnce(config, deadlineMs);
    const [ranges, info] = await withDeadline(
      redis,
      deadlineMs,
      Promise.all([
        redis.cluster('SLOTS') as Promise<unknown> as Promise<SlotRange[]>,
        redis.cluster('INFO') as Promise<string>,
      ]),
    );
    const epoch = Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1] ?? 0);
    const state = /cluster_state:(\w+)/.exec(info)?.[1];
    const knownNodes = Number(/cluster_known_nodes:(\d+)/.exec(info)?.[1] ?? 0);
    // In a minority its map may be old: any other is better.
    return new SlotMap(ranges, node.slice(0, node.lastIndexOf(':')), state === 'ok' ? epoch : -1, knownNodes);
  } catch (error) {
    if (/cluster support disabled/.test((error as Error).message)) {
      throw new RefusedError('CLUSTER', `${node} is no node of a cluster`, { cause: error });
    }
    throw error;
  } finally {
    redis?.disconnect();
  }
}

/** The newest of what the nodes know. @throws the first failure when none answers */
export async function readNewestSlotMap(
  nodes: readonly string[],
  configOf: (node: string) => RedisConfig,
): Promise<SlotMap> {
  const answers = await Promise.allSettled(nodes.map((node) => readSlotMap(configOf(node), node)));
  const maps = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const newest = maps.toSorted((a, b) => b.epoch - a.epoch || a.missing - b.missing)[0];
  if (newest) return newest;
  throw answers.find((answer) => answer.status === 'rejected')?.reason;
}
