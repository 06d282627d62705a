import { describe } from 'vitest';
import { testLossOfLeader, useCluster } from './rabbitmq-scenarios.ts';

describe('on three nodes of the installed RabbitMQ', () => {
  // A connection made while the leader is frozen waits on 3.10 until that node counts as down (docs/stores.md).
  testLossOfLeader(useCluster({ netTickSeconds: 10 }));
});
