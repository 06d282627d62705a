/** How one setting is read: the environment variable and the file key give text or a YAML value. */
export interface Setting<T> {
  /** The path in the file; the environment variable is WEIR_ and this in capitals. */
  key: string;
  parse: (value: unknown) => T;
  /** What a value must be, for people. */
  expected: string;
  default: T;
  sentence: string;
  /** Never printed. */
  secret?: boolean;
}

const text = (value: unknown): string => {
  if (typeof value !== 'string') throw new TypeError();
  return value;
};
const oneOf =
  <T extends string>(...choices: T[]) =>
  (value: unknown): T => {
    // YAML reads true as a boolean and 1 as a number; people mean the words.
    const choice = choices.find((candidate) => candidate === String(value));
    if (choice === undefined) throw new TypeError();
    return choice;
  };
const integer = (least: number, most: number) => (value: unknown) => {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (!Number.isInteger(number) || (number as number) < least || (number as number) > most)
    throw new TypeError();
  return number as number;
};
const flag = (value: unknown): boolean => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new TypeError();
};
const list = (value: unknown): string[] => {
  const items = typeof value === 'string' ? value.split(',') : value;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) throw new TypeError();
  return items.map((item) => item.trim()).filter((item) => item !== '');
};
const address = (value: unknown): string => {
  const port = /^(?:\[[0-9a-fA-F:]+\]|[^:\s]*):(\d{1,5})$/.exec(text(value))?.[1];
  if (port === undefined || Number(port) > 65_535) throw new TypeError();
  return value as string;
};
const redisAddress = (value: unknown): string => {
  if (value === '') return '';
  return text(value).includes('://') ? url('redis:', 'rediss:')(value) : address(value);
};
const listOf = (pattern: RegExp) => (value: unknown) => {
  const items = list(value);
  if (!items.every((item) => pattern.test(item))) throw new TypeError();
  return items;
};
const matching = (pattern: RegExp) => (value: unknown) => {
  if (typeof value !== 'string' || !pattern.test(value)) throw new TypeError();
  return value;
};
const url =
  (...protocols: string[]) =>
  (value: unknown): string => {
    if (value === '') return '';
    if (!protocols.includes(new URL(text(value)).protocol)) throw new TypeError();
    return value as string;
  };

export const allRoles = ['http', 'ingest', 'relay'] as const;
export type Role = (typeof allRoles)[number];
const roles = (value: unknown): Role[] => {
  const given = list(value);
  if (given.length === 0) throw new TypeError();
  return given.map(oneOf(...allRoles));
};

function setting<T>(
  key: string,
  parse: (value: unknown) => T,
  defaultValue: T,
  expected: string,
  sentence: string,
): Setting<T> {
  return { key, parse, default: defaultValue, expected, sentence };
}

function secret<T>(...args: Parameters<typeof setting<T>>): Setting<T> {
  return { ...setting(...args), secret: true };
}

/** Every setting there is: the file, the environment, `weir doctor` and the README's table are read off this. */
export const settings = {
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
    'What this process does: answer HTTP, read streams, announce events.',
  ),
  databaseSource: secret(
    'data.database.source',
    url('postgres:', 'postgresql:'),
    '',
    'a postgres:// URL',
    'PostgreSQL. Empty: embedded, kept in data.embedded.folder.',
  ),
  databaseConnections: setting(
    'data.database.maxConnections',
    integer(2, 1000),
    10,
    'an integer from 2 to 1000',
    'Connections to PostgreSQL at most.',
  ),
  migrate: setting(
    'data.database.migrate',
    flag,
    true,
    'true or false',
    'Bring the schema up to date at start.',
  ),
  redisAddr: secret(
    'data.redis.addr',
    redisAddress,
    '',
    'host:port or a redis:// URL',
    'Redis or Valkey with the seckill streams. Empty: embedded.',
  ),
  rabbitmqUrl: secret(
    'data.rabbitmq.url',
    url('amqp:', 'amqps:'),
    '',
    'an amqp:// URL',
    'RabbitMQ. Empty: embedded.',
  ),
  queue: setting(
    'data.rabbitmq.queue',
    matching(/^[\x21-\x7e]{1,255}$/),
    'resource.instance.created',
    'a queue name of 1 to 255 visible ASCII characters',
    'Where INSTANCE_CREATED events go.',
  ),
  resultQueue: setting(
    'data.rabbitmq.resultQueue',
    matching(/^[\x21-\x7e]{1,255}$/),
    'product.instance.result',
    'a queue name of 1 to 255 visible ASCII characters',
    'Where the Resource Domain answers.',
  ),
  queueType: setting(
    'data.rabbitmq.queueType',
    oneOf('quorum', 'classic'),
    'quorum',
    'quorum or classic',
    'The type of a queue that Weir has to make; an existing one is used as it is.',
  ),
  embeddedFolder: setting(
    'data.embedded.folder',
    matching(/./),
    '.weir',
    'a folder',
    'Where the embedded stores are kept.',
  ),
  batchSize: setting(
    'seckill.batchSize',
    integer(1, 500),
    500,
    'an integer from 1 to 500',
    'Stream entries in one commit at most.',
  ),
  commitsInFlight: setting(
    'seckill.commitsInFlight',
    integer(1, 16),
    3,
    'an integer from 1 to 16',
    'Commits under way at the same time at most.',
  ),
  minIdleMs: setting(
    'seckill.minIdleMs',
    integer(100, 86_400_000),
    60_000,
    'milliseconds, 100 to 86400000',
    "After this long without an acknowledgement another consumer's entry is taken over.",
  ),
  maxDeliveries: setting(
    'seckill.maxDeliveries',
    integer(2, 1000),
    16,
    'an integer from 2 to 1000',
    'An entry handed out more often is parked.',
  ),
  keepFinishedMs: setting(
    'seckill.keepFinishedMs',
    integer(0, 31_536_000_000),
    900_000,
    'milliseconds',
    'Finished entries stay on the stream for this long.',
  ),
  lanes: setting(
    'outbox.lanes',
    integer(1, 16),
    2,
    'an integer from 1 to 16',
    'Relay loops in this process.',
  ),
  windowEvents: setting(
    'outbox.windowEvents',
    integer(1, 100_000),
    2_000,
    'an integer from 1 to 100000',
    'Events that one lane has unconfirmed at a time, about.',
  ),
  confirmDeadlineMs: setting(
    'outbox.confirmDeadlineMs',
    integer(100, 600_000),
    30_000,
    'milliseconds, 100 to 600000',
    'A broker that has not confirmed by then is reconnected.',
  ),
  highWater: setting(
    'outbox.highWater',
    integer(1, 1_000_000_000),
    200_000,
    'an integer from 1',
    'With this many events waiting, streams are not read and HTTP answers 503.',
  ),
  demo: setting(
    'demo.enabled',
    oneOf('auto', 'true', 'false'),
    'auto',
    'auto, true or false',
    'Load the demo catalogue at start and offer POST /v1/try/seckill. auto: with the embedded database.',
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

export type Config = { [Name in keyof typeof settings]: ReturnType<(typeof settings)[Name]['parse']> };
