import { describe } from 'vitest';
import { lacks } from '../support/newer.ts';
import { testLossOfLeader, useCluster } from './rabbitmq-scenarios.ts';

describe.skipIf(lacks('rabbitmq4'))('on three nodes of RabbitMQ 4', () => {
  testLossOfLeader(useCluster({ version: 4 }));
});
