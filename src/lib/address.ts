import { BlockList, isIPv4, isIPv6 } from 'node:net';

export interface Exposure {
  addr: string;
  hosts: readonly string[];
  trustedProxies: readonly string[];
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(host);
}

/** `host:port`, `[v6]:port`, or `:port` for every address. */
export function splitAddr(addr: string): { host: string; port: number } {
  const colon = addr.lastIndexOf(':');
  const host = addr.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port: Number(addr.slice(colon + 1)) };
}

/**
 * Whether only programs on this machine can reach the address: the one case in which no key is needed. A
 * proxy requires one of the two lists, and a proxy on this machine lets other machines in.
 */
export function isLocalOnly({ addr, hosts, trustedProxies }: Exposure): boolean {
  return isLoopback(splitAddr(addr).host) && hosts.length === 0 && trustedProxies.length === 0;
}

/**
 * The first four groups in the form that sockets nearly always use; reading all eight takes ten times as
 * long.
 */
const canonicalNetwork = /^[1-9a-f][0-9a-f]{0,3}:(?:(?:0|[1-9a-f][0-9a-f]{0,3}):){3}/;

/**
 * The name under which every limit counts an address. IPv6 is counted by its /64, which belongs to one
 * subscriber; IPv4 mapped into IPv6 counts as IPv4. Proxies add ports, brackets and zones. Texts that are not
 * addresses share one name, so that a header cannot fill a table with long texts.
 */
export function nameAddress(text: string): string {
  if (isIPv4(text)) return text;
  const network = canonicalNetwork.exec(text)?.[0];
  if (network !== undefined && isIPv6(text)) return `${network}:/64`;
  const bare = text.replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/%.*$/s, '');
  if (isIPv6(bare)) return nameIPv6(readGroups(bare));
  const withoutPort = bare.replace(/:\d+$/, '');
  return isIPv4(withoutPort) ? withoutPort : 'unknown';
}

/** Whether an address is one of these addresses or in one of these networks (`10.0.0.7`, `10.0.0.0/8`). */
export function matchNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const type = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(bits), type);
  }
  // A BlockList compares mapped addresses with IPv4 rules too.
  return (address) => {
    const bare = address.replace(/%.*$/s, '');
    return isIPv4(bare) ? list.check(bare, 'ipv4') : isIPv6(bare) && list.check(bare, 'ipv6');
  };
}

function nameIPv6(groups: readonly number[]): string {
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  if (isMapped)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** The eight groups of a valid IPv6 address, in any notation. */
function readGroups(address: string): number[] {
  const [before = '', after = ''] = address.split('::');
  const [left, right] = [readHalf(before), readHalf(after)];
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function readHalf(half: string): number[] {
  if (half === '') return [];
  return half.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}
