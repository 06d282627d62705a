import type { Redis } from 'ioredis';
import type { TlsFiles } from '../../lib/tls-files.ts';
import { connectRedis } from './connect.ts';
import { createDisk, type Disk } from './disk.ts';
import { RedisHealth } from './health.ts';

/** When a buy is answered: at once, when it is on disk, or when a replica has it. */
export type Acknowledge = 'memory' | 'fsync' | 'replica';

export interface RedisConfig {
  addr: string;
  tls: TlsFiles;
  acknowledge: Acknowledge;
}

/** A node of a cluster. `tag`: how keys begin that it serves now; slots move. */
export interface ClusterNode {
  tag: () => string;
}

/** State changes of the connections, in the shape that `Emit` takes. */
export type TelemetryEvent =
  | { type: 'store failed'; store: string; error: Error; attempt: number }
  | { type: 'store back'; store: string }
  | { type: 'store refused'; store: string; reason: string; why: string }
  | { type: 'store accepted'; store: string; reason: string; isLast: boolean }
  | { type: 'command refused'; store: string; reason: string };

interface RedisConnections {
  commands: Redis;
  /** Only for the blocking read. */
  reader: Redis;
  selling: Redis;
  queries: Redis;
  /** Present when `sale.acknowledge` is `fsync` or `replica`. */
  disk: Disk | undefined;
  health: RedisHealth;
  close(): Promise<void>;
}

const store = 'redis';

/** One connection for each kind of work that would otherwise delay the others. */
export function openRedis(
  config: RedisConfig,
  emit: (event: TelemetryEvent) => void,
  node?: ClusterNode,
): RedisConnections {
  // All connections use one address and fail together: one report per round of attempts.
  let failures = 0;
  const connect = (name: string, waitsForLoading = true): Redis => {
    let attempts = 0;
    const onConnectionError = (error: Error) => {
      if (++attempts <= failures) return;
      failures = attempts;
      emit({ type: 'store failed', store, error, attempt: attempts });
    };
    const { addr, tls } = config;
    const redis = connectRedis({ addr, tls, name, onConnectionError, waitsForLoading });
    return redis.on('ready', () => {
      attempts = 0;
      if (failures === 0 || !others.every(({ status }) => status === 'ready')) return;
      failures = 0;
      emit({ type: 'store back', store });
    });
  };
  const working = {
    commands: connect('commands'),
    reader: connect('reader'),
    selling: connect('selling'),
    queries: connect('queries'),
  };
  const { acknowledge } = config;
  const onDisk = acknowledge === 'memory' ? undefined : connect('disk');
  const disk = onDisk && acknowledge !== 'memory' ? createDisk(onDisk, acknowledge, node?.tag) : undefined;
  const others: Redis[] = [...Object.values(working), ...(onDisk ? [onDisk] : [])];
  const health = new RedisHealth({
    probe: connect('health', false),
    others,
    ...(node && { tag: node.tag, isClusterNode: true }),
    ...(disk && { alsoCheck: (probe: Redis) => disk.check(probe) }),
    onRefused: ({ reason, message }) => emit({ type: 'store refused', store, reason, why: message }),
    onAccepted: (reason, isLast) => emit({ type: 'store accepted', store, reason, isLast }),
    onCommandRefused: (reason) => emit({ type: 'command refused', store, reason }),
  });
  return {
    ...working,
    disk,
    health,
    async close() {
      await health.close();
      for (const redis of others) redis.disconnect();
    },
  };
}
