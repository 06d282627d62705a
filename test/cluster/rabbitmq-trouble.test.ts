import { describe } from 'vitest';
import { lacks } from '../support/newer.ts';
import { testTrouble, useCluster } from './rabbitmq-scenarios.ts';

describe.skipIf(lacks('rabbitmq4'))('on three nodes of RabbitMQ 4', () => {
  testTrouble(useCluster({ version: 4 }));
});
