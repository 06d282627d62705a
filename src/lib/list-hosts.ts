/** The scheme, user and password, the hosts, and the rest. */
const parts = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#]*@)?([^/?#@]*)(.*)$/is;
const nextUrl = /,\s*(?=[a-z][a-z0-9+.-]*:\/\/)/i;
const oneHost = /^(?:\[[0-9a-f:.]+\]|[^\s:[\],]+)(?::\d{1,5})?$/i;

/**
 * Splits a URL with several hosts, such as `amqp://u:p@h1:5672,h2/shop`, or several URLs that differ in host
 * and port only, into one URL for each host. A URL with one host is returned unchanged.
 *
 * @throws Error whose message completes "expected …" and contains no part of the text
 */
export function listHosts(text: string): string[] {
  const urls = text.split(nextUrl);
  const hosts = urls.flatMap((url) => splitAuthority(url, urls.length > 1));
  if (hosts.length === 1) return hosts;
  const [first = '', ...others] = hosts.map(withoutHost);
  if (others.some((other) => other !== first)) {
    throw new Error('URLs that differ in host and port only, with the same user, password, path and options');
  }
  if (new Set(hosts.map(nameHost)).size < hosts.length) throw new Error('each host once');
  return hosts;
}

/** `host` or `host:port` as written, without user and password. */
export function nameHost(url: string): string {
  return parts.exec(url)?.[3] ?? '';
}

function splitAuthority(url: string, isOneOfMany: boolean): string[] {
  const [, scheme, user = '', authority = '', rest = ''] = parts.exec(url) ?? [];
  if (scheme === undefined) throw new Error('a URL that begins with its scheme');
  if (user.includes(',') && user.indexOf('@') < user.length - 1) {
    throw new Error('user and password once, before the first host, with %40 for an @ in a password');
  }
  const hosts = authority.split(',');
  if (hosts.length === 1 && !isOneOfMany) return [url];
  if (hosts.length > 1 && isOneOfMany) {
    throw new Error('either one URL with several hosts, or several URLs with one host each');
  }
  // Not quoted: without the @ it may be a password.
  if (!hosts.every(isHost)) throw new Error('a host or host:port on each side of a comma');
  return hosts.map((host) => scheme + user + host + rest);
}

function isHost(host: string): boolean {
  return oneHost.test(host) && Number(/:(\d+)$/.exec(host)?.[1] ?? 1) <= 65_535;
}

function withoutHost(url: string): string {
  const [, scheme, user = '', , rest = ''] = parts.exec(url) ?? [];
  // `/` alone is the default path.
  return `${scheme}${user} ${rest === '/' ? '' : rest}`;
}
