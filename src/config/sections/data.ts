import {
  advanced,
  count,
  Expectation,
  flag,
  matching,
  oneOf,
  queueName,
  redisAddress,
  secret,
  setting,
  text,
  url,
  urlOfHosts,
} from '../setting.ts';

const pemFile = (sentence: string) => advanced(setting(text, '', 'a path of a PEM file', sentence));

const tls = (store: string) => ({
  ca: pemFile(
    `Set it when a private authority signed the certificate of ${store}: the CA file. Turns TLS on.`,
  ),
  cert: pemFile(`Set it when ${store} requires a client certificate: the certificate file.`),
  key: pemFile('The file with the private key of the client certificate. Set it with the certificate.'),
});

const sessionTargets = ['read-write', 'primary'];

/** `host=a,b` is libpq's second way to the same list. Weir writes in every session, so standbys are of no use. */
function checkHosts(hosts: readonly URL[]): void {
  const parameters = hosts[0]?.searchParams ?? new URLSearchParams();
  if (['host', 'hostaddr', 'port'].some((name) => parameters.get(name)?.includes(','))) {
    throw new Expectation('several hosts as h1:5432,h2:5432 before the path');
  }
  const target = parameters.get('target_session_attrs');
  const isAny = target === 'any' && hosts.length === 1;
  if (target !== null && !isAny && !sessionTargets.includes(target)) {
    throw new Expectation('target_session_attrs=read-write or primary');
  }
}

/** `data`: the addresses of the stores. */
export const dataSettings = {
  database: {
    source: secret(
      setting(
        urlOfHosts(['postgres:', 'postgresql:'], checkHosts),
        '',
        'a postgres:// URL',
        'PostgreSQL; every server that may become the primary (postgres://user:password@h1:5432,h2:5432/weir). Set it for anything but a trial. Empty: embedded, kept in data.embedded.folder.',
      ),
    ),
    maxConnections: count(
      2,
      1_000,
      10,
      'Connections of this process to PostgreSQL for purchases; 3 more serve searches and reports of operators. Raise it with outbox.lanes, lower it when all processes together exceed max_connections.',
    ),
    migrate: setting(
      flag,
      true,
      'true or false',
      'Update the schema at start. Set false when `weir migrate` runs first, with a role that has more privileges.',
    ),
    schema: advanced(
      setting(
        matching(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$|^$/),
        '',
        'up to 63 of a-z, 0-9 and _, not pg_*',
        "Set it when other tables of the database have the same names. Empty: the role's search_path.",
      ),
    ),
    tls: tls('PostgreSQL'),
  },
  redis: {
    addr: secret(
      setting(
        redisAddress,
        '',
        'host:port, a redis:// URL, redis+sentinel://host:port,…/name or redis+cluster://host:port,…; ports at most 65535',
        'Redis or Valkey with the seckill streams. Set it for flash sales. Empty: embedded in the database.',
      ),
    ),
    tls: tls('Redis'),
  },
  rabbitmq: {
    url: secret(
      setting(
        urlOfHosts(['amqp:', 'amqps:']),
        '',
        'an amqp:// URL',
        'RabbitMQ; all nodes of a cluster (amqp://user:password@h1:5672,h2:5672/vhost). Set it to reach a real Resource Domain. Empty: embedded in the database.',
      ),
    ),
    queue: queueName(
      'resource.instance.created',
      'Queue of INSTANCE_CREATED events. Change it when two Weirs share a broker.',
    ),
    queues: advanced(
      count(
        1,
        64,
        1,
        'Queues of INSTANCE_CREATED events: with more than 1 they are named data.rabbitmq.queue with .0, .1 and so on, and an event goes to that of its instance id modulo this number. Raise it when one leader of a quorum queue is the limit; docs/events.md says how, while running.',
      ),
    ),
    resultQueue: queueName(
      'product.instance.result',
      'Queue of the results of the Resource Domain. Change it when two Weirs share a broker.',
    ),
    releaseQueue: advanced(
      queueName(
        'resource.instance.release',
        'Queue of INSTANCE_RELEASE_REQUESTED events. Change it when two Weirs share a broker.',
      ),
    ),
    refundQueue: advanced(
      queueName(
        'payment.order.refund',
        'Queue of ORDER_REFUND_REQUESTED events. Change it when two Weirs share a broker.',
      ),
    ),
    deadLetterQueue: advanced(
      setting(
        matching(/^[\x21-\x7e]{0,255}$/),
        '',
        'a queue name of at most 255 visible ASCII characters',
        'Queue of dead letters, which Weir parks. Set it when existing queues dead-letter elsewhere. Empty: the name of the created queue with .dead-letter.',
      ),
    ),
    queueType: advanced(
      setting(
        oneOf('quorum', 'classic'),
        'quorum',
        'quorum or classic',
        'Type of the queues that Weir declares; existing queues are used as they are. Set classic on a single node where quorum queues are too slow.',
      ),
    ),
    managementUrl: advanced(
      secret(
        setting(
          url('http:', 'https:'),
          '',
          'an http:// or https:// URL',
          'Where `weir doctor` reads policies. Set it when the management API is not on port 15672 of the broker.',
        ),
      ),
    ),
    tls: tls('RabbitMQ'),
  },
  embedded: {
    folder: setting(
      matching(/./),
      '.weir',
      'a folder',
      'Folder of the embedded stores. Set it to a folder that survives the process, such as a volume.',
    ),
  },
};
