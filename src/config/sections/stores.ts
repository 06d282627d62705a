import {
  flag,
  integer,
  matching,
  oneOf,
  queueName,
  redisAddress,
  secret,
  setting,
  text,
  url,
} from '../setting.ts';

const pemFile = (key: string, sentence: string) => setting(key, text, '', 'a path of a PEM file', sentence);

/** Where the stores are. */
export const storeSettings = {
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
    'Connections to PostgreSQL for purchases at most; 3 more are for what operators read.',
  ),
  databaseSchema: setting(
    'data.database.schema',
    matching(/^(?!pg_)[a-z_][a-z0-9_]{0,62}$|^$/),
    '',
    'up to 63 of a-z, 0-9 and _, not pg_*',
    "A schema for Weir alone, where other tables have the same names. Empty: the role's search_path.",
  ),
  databaseTlsCa: pemFile(
    'data.database.tls.ca',
    'The certificate of a private authority that signed that of PostgreSQL; turns TLS on.',
  ),
  databaseTlsCert: pemFile(
    'data.database.tls.cert',
    'The client certificate, where PostgreSQL requires one.',
  ),
  databaseTlsKey: pemFile('data.database.tls.key', 'The private key of data.database.tls.cert.'),
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
    'host:port or a redis:// URL, the port at most 65535',
    'Redis or Valkey with the seckill streams. Empty: embedded.',
  ),
  redisTlsCa: pemFile(
    'data.redis.tls.ca',
    'Change this when the certificate of Redis is signed by a CA of your own: the CA file.',
  ),
  redisTlsCert: pemFile(
    'data.redis.tls.cert',
    'Change this when Redis requires a client certificate: the certificate file.',
  ),
  redisTlsKey: pemFile('data.redis.tls.key', 'The file with the private key of data.redis.tls.cert.'),
  rabbitmqUrl: secret(
    'data.rabbitmq.url',
    url('amqp:', 'amqps:'),
    '',
    'an amqp:// URL',
    'RabbitMQ. Empty: embedded.',
  ),
  rabbitmqTlsCa: pemFile(
    'data.rabbitmq.tls.ca',
    'The certificate of a private authority that signed that of RabbitMQ; turns TLS on.',
  ),
  rabbitmqTlsCert: pemFile('data.rabbitmq.tls.cert', 'The client certificate, where RabbitMQ requires one.'),
  rabbitmqTlsKey: pemFile('data.rabbitmq.tls.key', 'The private key of data.rabbitmq.tls.cert.'),
  managementUrl: secret(
    'data.rabbitmq.managementUrl',
    url('http:', 'https:'),
    '',
    'an http:// or https:// URL',
    'Where weir doctor reads policies. Empty: port 15672 of the host.',
  ),
  queue: queueName('data.rabbitmq.queue', 'resource.instance.created', 'Where INSTANCE_CREATED events go.'),
  resultQueue: queueName(
    'data.rabbitmq.resultQueue',
    'product.instance.result',
    'Where the Resource Domain answers.',
  ),
  releaseQueue: queueName(
    'data.rabbitmq.releaseQueue',
    'resource.instance.release',
    'Where INSTANCE_RELEASE_REQUESTED events go.',
  ),
  refundQueue: queueName(
    'data.rabbitmq.refundQueue',
    'payment.order.refund',
    'Where ORDER_REFUND_REQUESTED events go.',
  ),
  deadLetterQueue: setting(
    'data.rabbitmq.deadLetterQueue',
    matching(/^[\x21-\x7e]{0,255}$/),
    '',
    'a queue name of at most 255 visible ASCII characters',
    'Gets what a queue would drop; Weir parks it. Empty: the created queue and .dead-letter.',
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
};
