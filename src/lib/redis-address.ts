import { listHosts } from './list-hosts.ts';

/** Where Redis is: one server, a primary that Sentinels name, or the nodes of a cluster. */
export type RedisAddress =
  | { kind: 'server'; url: string }
  | {
      kind: 'sentinel';
      sentinels: Host[];
      primary: string;
      login: Login;
      sentinelLogin: Login;
      db: number;
      tls: boolean;
    }
  | { kind: 'cluster'; seeds: Host[]; login: Login; tls: boolean };

export interface Host {
  host: string;
  port: number;
}

interface Login {
  username?: string;
  password?: string;
}

const usualPorts = { sentinel: 26379, cluster: 6379 };

/**
 * Reads `host:port`, `redis[s]://…`, `redis[s]+sentinel://user:password@host:port,…/primary/database` and
 * `redis[s]+cluster://user:password@host:port,…`.
 *
 * @throws Error whose message completes "expected …" and contains no part of the address
 */
export function readRedisAddress(addr: string): RedisAddress {
  const url = addr.includes('://') ? addr : `redis://${addr}`;
  const hosts = listHosts(url);
  const [, tls, kind] = /^redis(s?)\+(sentinel|cluster):/.exec(url) ?? [];
  if (kind !== 'sentinel' && kind !== 'cluster') {
    if (hosts.length > 1) throw new Error('redis+sentinel:// or redis+cluster:// before several hosts');
    return { kind: 'server', url };
  }
  const [first] = hosts.map(readUrl) as [URL];
  const servers = hosts.map((host) => readHost(readUrl(host), usualPorts[kind]));
  const common = { login: readLogin(first), tls: tls === 's' };
  if (kind === 'sentinel') return { kind, sentinels: servers, ...readPrimary(first), ...common };
  if (!['', '/'].includes(first.pathname) || first.search !== '') {
    throw new Error('neither a path nor options for a cluster');
  }
  return { kind, seeds: servers, ...common };
}

function readPrimary({ pathname, searchParams }: URL) {
  const [primary = '', db = '0', more] = pathname.split('/').slice(1).map(decodeURIComponent);
  if (primary === '') throw new Error('the name of the primary after the Sentinels: /name');
  if (!/^\d{1,4}$/.test(db) || more !== undefined)
    throw new Error('at most a database number after the name');
  const [username, password] = [searchParams.get('sentinelUsername'), searchParams.get('sentinelPassword')];
  const sentinelLogin = { ...(username && { username }), ...(password && { password }) };
  return { primary, sentinelLogin, db: Number(db) };
}

/** Host and port of each server that the address names, without credentials. */
export function listRedisHosts(addr: string): string[] {
  const address = readRedisAddress(addr);
  if (address.kind === 'server') return [hostOf(address.url)];
  return (address.kind === 'cluster' ? address.seeds : address.sentinels).map(formatHost);
}

export function formatHost({ host, port }: Host): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function hostOf(url: string): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${port || '6379'}`;
}

function readUrl(url: string): URL {
  if (!URL.canParse(url)) throw new Error('hosts and ports that exist');
  return new URL(url);
}

function readHost({ hostname, port }: URL, usualPort: number): Host {
  if (hostname === '') throw new Error('a host');
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? usualPort : Number(port) };
}

function readLogin({ username, password }: URL): Login {
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
  };
}
