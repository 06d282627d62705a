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
} from './setting.ts';

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
