import { address, durationOrNever, list, listOf, oneOf, secret, setting } from './setting.ts';

export const allRoles = ['http', 'ingest', 'relay', 'settle'] as const;
export type Role = (typeof allRoles)[number];
const roles = (value: unknown): Role[] => {
  const given = list(value);
  if (given.length === 0) throw new TypeError();
  return given.map(oneOf(...allRoles));
};

/** This process: HTTP, roles, log, demo. */
export const serverSettings = {
  addr: setting(
    'server.http.addr',
    address,
    '127.0.0.1:8000',
    'host:port',
    'Where HTTP listens. Port 0 takes a free one.',
  ),
  hosts: setting(
    'server.http.hosts',
    list,
    [],
    'a list of host names',
    'Host headers that are answered besides the loopback names and the address itself.',
  ),
  webhookSecrets: secret(
    'server.http.webhookSecrets',
    listOf(/^(whsec_)?[A-Za-z0-9+/]{24,}={0,2}$/),
    [],
    'a list of Standard Webhooks secrets: whsec_ and at least 24 characters of base64',
    'Payment callbacks must be signed with one of them. Empty: unsigned callbacks are taken, on loopback only.',
  ),
  operatorKeys: secret(
    'server.http.operatorKeys',
    listOf(/^.{16,}$/),
    [],
    'a list of keys of at least 16 characters',
    'Every other call below /v1 must carry one as `Authorization: Bearer`. Empty: open, on loopback only.',
  ),
  roles: setting(
    'server.roles',
    roles,
    [...allRoles],
    `a list out of ${allRoles.join(', ')}`,
    'What this process does: answer HTTP, read streams, announce events, settle results.',
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
