import type { Redis } from 'ioredis';
import type { Finding } from '../../lib/finding.ts';
import { readRedisAddress } from '../../lib/redis-address.ts';
import { adviseOnConnection, adviseOnRefusal } from './advice.ts';
import { diagnoseCluster } from './cluster/diagnose-cluster.ts';
import { findForbidden } from './commands.ts';
import { withDeadline } from './connect.ts';
import { connectOnce } from './connect-once.ts';
import type { Acknowledge, ClusterNode, RedisConfig } from './connections.ts';
import { diagnoseDurability } from './diagnose-durability.ts';
import { diagnoseKeys } from './diagnose-keys.ts';
import { diagnoseLimits } from './diagnose-limits.ts';
import { createDisk } from './disk.ts';
import { requireUsableServer } from './health.ts';
import { classifyRefusal } from './refusal.ts';
import { usualTag } from './sale-keys.ts';

export type Facts = ReadonlyMap<string, string>;

const about = 'Redis';
const deadlineMs = 5_000;

/** Reachability, version, rights, and everything that can lose a winner on the stream or stop sales. */
export function diagnoseRedis(config: RedisConfig): Promise<Finding[]> {
  const address = readRedisAddress(config.addr);
  if (address.kind === 'cluster') return diagnoseCluster(config, address, diagnoseNode);
  return diagnoseNode(config);
}

/** `node`: as a node of a cluster, which serves the keys of this tag. */
async function diagnoseNode(config: RedisConfig, node?: ClusterNode): Promise<Finding[]> {
  let redis: Redis | undefined;
  try {
    redis = await connectOnce(config);
    return (await diagnoseServer(redis, config, node)).map((finding) => ({ ...finding, about }));
  } catch (error) {
    const what = classifyRefusal(error)?.message ?? (error as Error).message;
    return [{ about, level: 'problem', what, advice: adviseOnConnection(error as Error, config) }];
  } finally {
    redis?.disconnect();
  }
}

export type RedisFinding = Omit<Finding, 'about'>;

async function diagnoseServer(
  redis: Redis,
  { acknowledge }: RedisConfig,
  node: ClusterNode | undefined,
): Promise<RedisFinding[]> {
  const info = await readInfo(redis);
  const first = diagnoseVersion(info);
  const kind = diagnoseKind(info, node !== undefined);
  if (kind) return [...first, kind];
  const settings = await readSettings(redis);
  const [seconds] = await withDeadline(redis, deadlineMs, redis.time());
  return [
    ...first,
    ...(await tryToWrite(redis, node?.tag)),
    ...(await diagnoseRights(redis, acknowledge)),
    ...diagnoseDurability(info, settings, acknowledge),
    ...(await tryDisk(redis, acknowledge, node?.tag)),
    ...diagnoseLimits(info, settings),
    ...(await diagnoseKeys(redis, node !== undefined)),
    ...diagnoseClock(Number(seconds) * 1000),
  ];
}

async function readInfo(redis: Redis): Promise<Facts> {
  try {
    const text = await withDeadline(redis, deadlineMs, redis.info());
    return new Map(text.split('\r\n').map((line) => line.split(/:(.*)/s) as [string, string]));
  } catch (error) {
    if (classifyRefusal(error)?.reason === 'NOPERM') return new Map();
    throw error;
  }
}

/** undefined where CONFIG is forbidden, as in many managed services. */
async function readSettings(redis: Redis): Promise<Facts | undefined> {
  try {
    const reply = (await withDeadline(redis, deadlineMs, redis.config('GET', '*'))) as string[];
    return new Map(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1] ?? '']] : [])));
  } catch {
    return undefined;
  }
}

function diagnoseVersion(info: Facts): RedisFinding[] {
  const redisVersion = info.get('redis_version');
  if (redisVersion === undefined) {
    const what = 'reachable, but INFO is not permitted, so its version and role are unknown';
    return [{ level: 'warning', what, advice: 'grant +info to the user of Weir' }];
  }
  const [major = 0, minor = 0] = redisVersion.split('.').map(Number);
  const valkey = info.get('valkey_version');
  const shown = valkey ? `Valkey ${valkey}` : `version ${redisVersion}`;
  if (major > 6 || (major === 6 && minor >= 2))
    return [{ level: 'ok', what: `reachable, ${shown}`, advice: '' }];
  return [{ level: 'problem', what: `${shown} is too old`, advice: 'use Redis 6.2 or newer, or Valkey' }];
}

/** Weir cannot use such a server, so the other checks are skipped. */
function diagnoseKind(info: Facts, isClusterNode: boolean): RedisFinding | undefined {
  try {
    requireUsableServer([...info].map(([name, value]) => `${name}:${value}`).join('\n'), isClusterNode);
    return undefined;
  } catch (error) {
    const host = info.get('master_host');
    const primary = host ? ` of ${host}:${info.get('master_port')}` : '';
    return {
      level: 'problem',
      what: `${(error as Error).message}${primary}`,
      advice: adviseOnRefusal(error),
    };
  }
}

async function tryToWrite(redis: Redis, tag = () => usualTag): Promise<RedisFinding[]> {
  try {
    const tried = redis.xadd(`${tag()}:probe`, 'NOMKSTREAM', '*', 'at', '0');
    await withDeadline(redis, deadlineMs, tried);
    return [];
  } catch (error) {
    const refusal = classifyRefusal(error);
    if (!refusal || refusal.reason === 'NOPERM') return [];
    return [{ level: 'problem', what: refusal.message, advice: adviseOnRefusal(error) }];
  }
}

async function diagnoseRights(redis: Redis, acknowledge: Acknowledge): Promise<RedisFinding[]> {
  const more = { memory: [], fsync: [['WAITAOF', '0', '0', '1']], replica: [['WAIT', '0', '1']] }[
    acknowledge
  ];
  const forbidden = await withDeadline(redis, deadlineMs, findForbidden(redis, more));
  if (forbidden.size === 0) return [];
  const names = [...forbidden.keys()].join(', ');
  const [why] = forbidden.values();
  const what = `Weir may not run ${names}: ${why}`;
  return [{ level: 'problem', what, advice: 'grant what docs/stores.md#redis lists to the user of Weir' }];
}

/** Tried instead of concluded from the version: a patched or managed server may differ. */
async function tryDisk(
  redis: Redis,
  acknowledge: Acknowledge,
  tag = () => usualTag,
): Promise<RedisFinding[]> {
  if (acknowledge === 'memory') return [];
  try {
    await createDisk(redis, acknowledge, tag).sync();
    const where = acknowledge === 'fsync' ? 'on disk' : 'on a replica';
    return [
      {
        level: 'ok',
        what: `a purchase is answered when it is ${where}, and this Redis can confirm that`,
        advice: '',
      },
    ];
  } catch (error) {
    const advice = {
      fsync:
        'use Redis 7.2 or Valkey with appendonly yes and appendfsync always, or set sale.acknowledge to memory',
      replica: 'attach a replica, or set sale.acknowledge to memory',
    }[acknowledge];
    const what = `sale.acknowledge is ${acknowledge}, so nothing is sold: ${(error as Error).message}`;
    return [{ level: 'problem', what, advice }];
  }
}

function diagnoseClock(wallMs: number): RedisFinding[] {
  const skewMs = Math.abs(wallMs - Date.now());
  if (skewMs <= 2_000) return [];
  const what = `the clocks of Redis and this machine differ by about ${Math.round(skewMs / 1000)} s`;
  return [{ level: 'warning', what, advice: 'run NTP on both: sales open and close by the clock of Redis' }];
}
