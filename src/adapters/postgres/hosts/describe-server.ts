import pg from 'pg';
import { type ConnectionOptions, toClientConfig } from '../connection-options.ts';
import { listPostgresHosts } from './postgres-hosts.ts';

/**
 * Database and hosts as the client will use them, including PGHOST and the like; without credentials.
 */
export function describeServer(options: ConnectionOptions): string {
  const hosts = listPostgresHosts(options).map(({ options }) => new pg.Client(toClientConfig(options)));
  const names = hosts.map(({ host, port }) => (host.startsWith('/') ? host : `${host}:${port}`));
  return `database ${hosts[0]?.database} on ${names.join(', ')}`;
}
