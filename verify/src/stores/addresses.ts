/** Splits the lists that clients of a cluster take, and names their hosts. */

const firstAuthority = /^([a-z+]+:\/\/(?:[^@/]*@)?)([^/?#]*)(.*)$/i;

/** `amqp://u@a,b/v` as one URL for each host; whole URLs separated by commas as they stand. */
export function splitUrls(text: string): string[] {
  return text.split(/,(?=[a-z+]+:\/\/)/i).flatMap((url) => {
    const [, start, hosts = '', rest = ''] = firstAuthority.exec(url) ?? [];
    return start === undefined ? [url] : hosts.split(',').map((host) => start + host + rest);
  });
}

/** Of a URL or a list of them; `localhost` where a URL names no host. */
export function hostsOf(text: string): string[] {
  return splitUrls(/^[a-z+]+:\/\//i.test(text) ? text : `redis://${text}`).map((url) => {
    const [, , authority = ''] = firstAuthority.exec(url) ?? [];
    return authority.replace(/:\d*$/, '').replace(/^\[|\]$/g, '') || 'localhost';
  });
}

/** For reports: without user and password. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^@/]*@/g, '://').replace(/([?&][^=&]*password)=[^&]*/gi, '$1=');
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);
}

export interface HostPort {
  host: string;
  port: number;
}

export interface RedisAddress {
  kind: 'server' | 'sentinel' | 'cluster';
  nodes: HostPort[];
  /** Of a sentinel. */
  master: string;
  db: number;
  username: string | undefined;
  password: string | undefined;
  tls: boolean;
}

/**
 * `host:port`, `redis://…/DB`, `redis+sentinel://host,host/MASTER/DB` or `redis+cluster://host,host`; with `rediss` over TLS.
 *
 * @throws Error for any other scheme, or a sentinel without the name of its master
 */
export function parseRedisAddress(text: string): RedisAddress {
  const full = /:\/\//.test(text) ? text : `redis://${text}`;
  const [, secure, suffix, user, authority = '', path = ''] =
    /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#]*)\/?([^?#]*)/i.exec(full) ?? [];
  if (secure === undefined) {
    throw new Error('--redis must be a redis://, redis+sentinel:// or redis+cluster:// address');
  }
  const kind = (suffix?.toLowerCase() ?? 'server') as RedisAddress['kind'];
  const [master = '', db = ''] = kind === 'sentinel' ? path.split('/') : ['', path];
  if (kind === 'sentinel' && master === '') {
    throw new Error('--redis must name the master: redis+sentinel://host:26379/MASTER');
  }
  const [username, password] = (user ?? '').split(/:(.*)/s).map(decodeURIComponent);
  const nodes = authority.split(',').map((each) => parseHostPort(each, kind === 'sentinel' ? 26_379 : 6_379));
  return {
    ...{ kind, nodes, master, db: Number(db || 0), tls: secure !== '' },
    username: username || undefined,
    password: password || undefined,
  };
}

function parseHostPort(text: string, defaultPort: number): HostPort {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[|\]$/g, '') || 'localhost', port: Number(port ?? defaultPort) };
}
