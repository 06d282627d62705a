import type { Finding } from '../../../lib/finding.ts';
import { formatHost } from '../../../lib/redis-address.ts';
import { adviseOnConnection } from '../advice.ts';
import type { ClusterNode, RedisConfig } from '../connections.ts';
import { classifyRefusal } from '../refusal.ts';
import { type ClusterAddress, configOfNode } from './node-config.ts';
import { readNewestSlotMap, readSlotMap } from './read-slot-map.ts';

const about = 'Redis Cluster';

type DiagnoseNode = (config: RedisConfig, node: ClusterNode) => Promise<Finding[]>;

/** Every address that is configured, the slots, and each primary as a server. */
export async function diagnoseCluster(
  config: RedisConfig,
  address: ClusterAddress,
  diagnoseNode: DiagnoseNode,
): Promise<Finding[]> {
  const configOf = (node: string) => configOfNode(config, address, node);
  const seeds = address.seeds.map(formatHost);
  const findings = (await Promise.all(seeds.map((seed) => diagnoseSeed(config, address, seed)))).flat();
  // Without one that answers there is nothing else to ask.
  if (findings.length === seeds.length) return findings;
  const map = await readNewestSlotMap(seeds, configOf);
  if (map.missing > 0) {
    const what = `no node serves ${map.missing} of 16384 slots, so their products are not sold`;
    findings.push({
      about,
      level: 'problem',
      what,
      advice: 'redis-cli --cluster check shows what is missing',
    });
  }
  for (const name of map.primaries) {
    const found = await diagnoseNode(configOf(name), { tag: () => map.tagOf(name) });
    findings.push(...found.map((finding) => ({ ...finding, about: `Redis ${name}` })));
  }
  if (map.knownNodes < 2 * map.primaries.size) {
    const what = `it has ${map.primaries.size} primaries and ${map.knownNodes - map.primaries.size} other nodes`;
    const advice =
      'give each primary a replica: without one its products stop, and lose entries, when it fails';
    findings.push({ about, level: 'warning', what, advice });
  }
  return findings;
}

async function diagnoseSeed(config: RedisConfig, address: ClusterAddress, seed: string): Promise<Finding[]> {
  try {
    await readSlotMap(configOfNode(config, address, seed), seed);
    return [];
  } catch (error) {
    const what = `${seed}: ${classifyRefusal(error)?.message ?? (error as Error).message}`;
    return [{ about, level: 'problem', what, advice: adviseOnConnection(error as Error, config) }];
  }
}
