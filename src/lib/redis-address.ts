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

const pattern = /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/]*)@)?([^@/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const ports = { sentinel: 26379, cluster: 6379 };

/**
 * Reads `host:port`, `redis[s]://…`, `redis[s]+sentinel://user:password@host:port,…/primary/database` and
 * `redis[s]+cluster://user:password@host:port,…`.
 *
 * @throws TypeError, with a sentence, for a list that is not one of these
 */
export function readRedisAddress(addr: string): RedisAddress {
  const parts = pattern.exec(addr);
  if (!parts) {
    if (addr.includes(','))
      throw new TypeError('a list of hosts needs redis+sentinel:// or redis+cluster://');
    return { kind: 'server', url: addr.includes('://') ? addr : `redis://${addr}` };
  }
  const [, scheme, kind, user, list = '', path = '', query = ''] = parts;
  const hosts = list.split(',').map((host) => readHost(host, ports[kind as 'sentinel' | 'cluster']));
  const common = { login: readLogin(user), tls: scheme === 'rediss' };
  if (kind === 'cluster') {
    if (path !== '' || query !== '') throw new TypeError('a cluster has neither a path nor options');
    return { kind, seeds: hosts, ...common };
  }
  const [primary = '', db = '0', more] = path.split('/').map(decodeURIComponent);
  if (primary === '') throw new TypeError('Sentinels need the name of the primary: /name after the hosts');
  if (!/^\d{1,4}$/.test(db) || more !== undefined)
    throw new TypeError('after the name only a database number may follow');
  const options = new URLSearchParams(query);
  const [username, password] = [options.get('sentinelUsername'), options.get('sentinelPassword')];
  const sentinelLogin = { ...(username && { username }), ...(password && { password }) };
  return { kind: 'sentinel', sentinels: hosts, primary, sentinelLogin, db: Number(db), ...common };
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

function readHost(text: string, usualPort: number): Host {
  const { hostname, port } = new URL(`http://${text}`);
  // URL drops the port that http has by default.
  const given = port || (/:80$/.test(text) ? '80' : '');
  if (hostname === '' || /[/?#@]/.test(text)) throw new TypeError(`not a host: ${text}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: given === '' ? usualPort : Number(given) };
}

function readLogin(text = ''): Login {
  if (text === '') return {};
  const [username = '', ...password] = text.split(':');
  return {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password.length > 0 && { password: decodeURIComponent(password.join(':')) }),
  };
}
