export interface Exposure {
  addr: string;
  hosts: readonly string[];
  trustedProxies: readonly string[];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);
}

/** `host:port`, `[v6]:port` or `:port`, which is every address. */
export function splitAddr(addr: string): { host: string; port: number } {
  const colon = addr.lastIndexOf(':');
  const host = addr.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port: Number(addr.slice(colon + 1)) };
}

/**
 * Whether only programs on this machine can reach it: the one case in which no key is needed. Both lists exist for a proxy, and a
 * proxy on this machine lets other machines in.
 */
export function isLocalOnly({ addr, hosts, trustedProxies }: Exposure): boolean {
  return isLoopback(splitAddr(addr).host) && hosts.length === 0 && trustedProxies.length === 0;
}
