import { isIP } from 'node:net';
import { address, advanced, count, duration, list, listOf, oneOf, secret, setting } from '../setting.ts';

/** Addresses and networks, such as `10.0.0.7` and `10.0.0.0/8`. */
const networks = (value: unknown): string[] => {
  const given = list(value);
  for (const network of given) {
    const [address = '', bits, more] = network.split('/');
    const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= longest);
    if (longest < 0 || !fits || more !== undefined) throw new TypeError();
  }
  return given;
};

/** `server.http`: where HTTP listens, who may call it, and its limits. */
export const httpSettings = {
  addr: setting(
    address,
    '127.0.0.1:8000',
    'host:port, the port at most 65535',
    'Address on which HTTP listens. Port 0 selects a free port. Change it to accept requests from other machines: keys and secrets are then required.',
  ),
  hosts: setting(
    list,
    [],
    'a list of host names',
    'Set it to the host names that a proxy passes on, in addition to the loopback names and the address itself. Keys and secrets are then required.',
  ),
  webhookSecrets: secret(
    setting(
      listOf(/^(whsec_)?[A-Za-z0-9+/]{24,}={0,2}$/),
      [],
      'a list of Standard Webhooks secrets: whsec_ and at least 24 characters of base64',
      'Payment callbacks must be signed with one of them. Set two during a rotation. Empty: unsigned callbacks are accepted, on loopback without a proxy only.',
    ),
  ),
  operatorKeys: secret(
    setting(
      listOf(/^.{16,}$/),
      [],
      'a list of keys of at least 16 characters',
      'Keys with scope admin. Set one to create the others with `weir keys`. Without any key the API is open, on loopback without a proxy only.',
    ),
  ),
  trustedProxies: setting(
    networks,
    [],
    'a list of addresses or networks, such as 10.0.0.0/8',
    'Set it to the proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted. Keys and secrets are then required.',
  ),
  keepAliveMs: duration(
    1_000,
    95_000,
    'Idle connections are closed after this long. Raise it above the idle timeout of your balancer (AWS ALB 60 s, Traefik 90 s, Google 600 s).',
    3_600_000,
  ),
  drainMs: duration(
    0,
    7_000,
    'After SIGTERM /readyz answers 503 for this long before listening ends. Raise it above the time that your balancer needs to detect this; set 0 without a balancer.',
    600_000,
  ),
  requestsPerMinute: count(
    0,
    1_000_000,
    6_000,
    'Limit for each key, or address without a key, except purchases; as many may come at once. More get 429. 0 disables it, also for wrong keys. Raise it when your own scripts get 429.',
  ),
  metrics: advanced(
    setting(
      oneOf('auto', 'open', 'read'),
      'auto',
      'auto, open or read',
      'Whether /metrics requires a key with scope read. auto: required unless HTTP is loopback only. Set open when Prometheus cannot send a key.',
    ),
  ),
  loginsPerMinute: advanced(
    count(
      0,
      1_000_000,
      20,
      'Login attempts of one address; as many may come at once. More get 429. 0 disables it. Raise it when many operators share an address.',
    ),
  ),
  maxConnections: advanced(
    count(
      1,
      1_000_000,
      10_000,
      'Open connections; 16 more answer /healthz, /readyz and /metrics only. Raise it together with the limit of open files.',
    ),
  ),
  maxConnectionsPerAddress: advanced(
    count(
      1,
      1_000_000,
      1_000,
      'Open connections of one address (IPv6: of one /64), except loopback and trusted proxies. Raise it behind a balancer that hides its clients.',
    ),
  ),
  headersTimeoutMs: advanced(
    duration(
      100,
      10_000,
      'Weir ends a request whose headers take longer than this. Raise it for callers on slow links.',
    ),
  ),
};
