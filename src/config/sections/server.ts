import { isIP } from 'node:net';
import {
  address,
  duration,
  durationOrNever,
  integer,
  list,
  listOf,
  oneOf,
  secret,
  setting,
} from '../setting.ts';

const allRoles = ['http', 'ingest', 'relay', 'settle'] as const;
export type Role = (typeof allRoles)[number];
const roles = (value: unknown): Role[] => {
  const given = list(value);
  if (given.length === 0) throw new TypeError();
  return given.map(oneOf(...allRoles));
};

/** Addresses and networks, as `10.0.0.7` and `10.0.0.0/8`. */
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

/** This process: HTTP, roles, log, demo. */
export const serverSettings = {
  addr: setting(
    'server.http.addr',
    address,
    '127.0.0.1:8000',
    'host:port, the port at most 65535',
    'Where HTTP listens. Port 0 takes a free one.',
  ),
  hosts: setting(
    'server.http.hosts',
    list,
    [],
    'a list of host names',
    'Host names that a proxy passes on: answered besides the loopback names and the address itself. Set: keys and secrets are required.',
  ),
  webhookSecrets: secret(
    'server.http.webhookSecrets',
    listOf(/^(whsec_)?[A-Za-z0-9+/]{24,}={0,2}$/),
    [],
    'a list of Standard Webhooks secrets: whsec_ and at least 24 characters of base64',
    'Payment callbacks must be signed with one of them. Empty: unsigned callbacks are taken, on loopback without a proxy only.',
  ),
  operatorKeys: secret(
    'server.http.operatorKeys',
    listOf(/^.{16,}$/),
    [],
    'a list of keys of at least 16 characters',
    'Keys with scope admin, in addition to those of `weir keys`. No key at all: the API is open, on loopback without a proxy only.',
  ),
  metrics: setting(
    'server.http.metrics',
    oneOf('auto', 'open', 'read'),
    'auto',
    'auto, open or read',
    'Whether /metrics needs a key with scope read. auto: unless server.http.addr is a loopback address without a proxy.',
  ),
  trustedProxies: setting(
    'server.http.trustedProxies',
    networks,
    [],
    'a list of addresses or networks, such as 10.0.0.0/8',
    'Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. Set: keys and secrets are required.',
  ),
  keepAliveMs: setting(
    'server.http.keepAliveMs',
    integer(1_000, 3_600_000),
    95_000,
    'milliseconds, 1000 to 3600000',
    'An idle connection is kept this long. Must be longer than the balancer keeps it (AWS ALB 60 s, Traefik 90 s, Google 600 s).',
  ),
  drainMs: setting(
    'server.http.drainMs',
    integer(0, 600_000),
    7_000,
    'milliseconds, 0 to 600000',
    'After SIGTERM /readyz answers 503 this long before listening ends. Longer than the balancer needs to notice; 0 without a balancer.',
  ),
  requestsPerMinute: setting(
    'server.http.requestsPerMinute',
    integer(0, 1_000_000),
    6_000,
    'an integer from 0 to 1000000',
    'Requests of each key, or address without one, except purchases; as many may come at once. More get 429. 0: no limit, also of wrong keys.',
  ),
  loginsPerMinute: setting(
    'server.http.loginsPerMinute',
    integer(0, 1_000_000),
    20,
    'an integer from 0 to 1000000',
    'Attempts of one address to log in; as many may come at once. More get 429. 0: no limit.',
  ),
  maxConnections: setting(
    'server.http.maxConnections',
    integer(1, 1_000_000),
    10_000,
    'an integer from 1 to 1000000',
    'Connections at a time; beyond them 16 more, which answer /healthz, /readyz and /metrics only.',
  ),
  maxConnectionsPerAddress: setting(
    'server.http.maxConnectionsPerAddress',
    integer(1, 1_000_000),
    1_000,
    'an integer from 1 to 1000000',
    'Of one address (IPv6: of one /64), not of loopback and trusted proxies. Raise it behind a balancer that hides its clients.',
  ),
  headersTimeoutMs: duration(
    'server.http.headersTimeoutMs',
    100,
    10_000,
    'A request whose headers take longer to come is cut off.',
  ),
  roles: setting(
    'server.roles',
    roles,
    [...allRoles],
    `a list out of ${allRoles.join(', ')}`,
    'What this process does: answer HTTP, read streams, publish events, settle results.',
  ),
  demo: setting(
    'demo.enabled',
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Load the demo catalogue at start and offer POST /v1/try/seckill. auto: with the embedded database.',
  ),
  backlogEveryMs: durationOrNever(
    'metrics.backlogEveryMs',
    1_000,
    5_000,
    'How often the stores are asked what waits, for the metrics and the alerts. 0: never.',
  ),
  logLevel: setting(
    'log.level',
    oneOf('debug', 'info', 'warn', 'error', 'silent'),
    'info',
    'debug, info, warn, error or silent',
    'What is logged, to standard error.',
  ),
  logFormat: setting(
    'log.format',
    oneOf('auto', 'json', 'pretty'),
    'auto',
    'auto, json or pretty',
    'auto: pretty on a terminal.',
  ),
};
