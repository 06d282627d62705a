import type { RedisAddress } from '../../../lib/redis-address.ts';
import type { RedisConfig } from '../connections.ts';

export type ClusterAddress = Extract<RedisAddress, { kind: 'cluster' }>;

/** The configuration of one node, `host:port`, with the credentials of its cluster. */
export function configOfNode(config: RedisConfig, { login, tls }: ClusterAddress, node: string): RedisConfig {
  const { username = '', password } = login;
  const user = encodeURIComponent(username);
  const credentials = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
  return {
    ...config,
    addr: `${tls ? 'rediss' : 'redis'}://${credentials === '' ? '' : `${credentials}@`}${node}`,
  };
}
