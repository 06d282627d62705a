import { askPostgres, askRabbitmq, askRedis } from './ask.mjs';
import { findFolderOf, findFreePort, findPostgresFolder, findRabbitmqFolder } from './find.mjs';
import { preparePostgres, prepareRabbitmq, prepareRedis } from './prepare.mjs';

/** The services that the tests need: their usual address, how to query them, how to get them. */
export const catalogue = [
  {
    name: 'postgres',
    title: 'PostgreSQL',
    oldest: '14',
    variable: 'WEIR_TEST_POSTGRES',
    usualPort: 5432,
    formatUrl: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
    ask: askPostgres,
    package: 'postgresql',
    isInstalled: () => findPostgresFolder() !== undefined,
    prepare: preparePostgres,
  },
  {
    name: 'redis',
    title: 'Redis',
    oldest: '6.2',
    variable: 'WEIR_TEST_REDIS',
    usualPort: 6379,
    formatUrl: (port) => `redis://127.0.0.1:${port}`,
    ask: askRedis,
    package: 'redis-server',
    isInstalled: () => findFolderOf(['redis-server']) !== undefined,
    prepare: prepareRedis,
  },
  {
    name: 'rabbitmq',
    title: 'RabbitMQ',
    oldest: '3.10',
    variable: 'WEIR_TEST_RABBITMQ',
    usualPort: 5672,
    formatUrl: (port) => `amqp://guest:guest@127.0.0.1:${port}`,
    ask: askRabbitmq,
    package: 'rabbitmq-server',
    isInstalled: () => findRabbitmqFolder() !== undefined,
    prepare: async (place) => prepareRabbitmq({ ...place, distributionPort: await findFreePort() }),
  },
];
