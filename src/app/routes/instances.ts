import type { HttpRoutes } from '../../adapters/http/server.ts';
import { postgresInstanceActions } from '../../adapters/postgres/instance-actions.ts';
import { postgresInstanceQueries } from '../../adapters/postgres/instance-queries.ts';
import { gather } from '../../lib/gather.ts';
import { notifyAfter } from '../../lib/signal.ts';
import type { Components } from '../components.ts';
import { gathered, type Paying } from '../paying.ts';

export type InstanceParts = Pick<
  Components,
  'config' | 'database' | 'gate' | 'committed' | 'settle' | 'settleByHand'
>;

export function createInstanceRoutes(
  { config, database, gate, committed, settle, settleByHand }: InstanceParts,
  { createInstance, payOrder }: Paying,
): Pick<HttpRoutes, 'instances' | 'results' | 'stats'> {
  const after = notifyAfter(committed);
  const queries = postgresInstanceQueries(database.reads);
  const { retryInstance, releaseInstance } = postgresInstanceActions(database, config.overdue);
  return {
    instances: { instances: queries, createInstance, payOrder, hasRoom: gate.hasRoom },
    results: {
      instances: queries,
      settleResult: gather(settle, gathered),
      settleByHand,
      retryInstance: after(retryInstance),
      releaseInstance: after(releaseInstance),
    },
    stats: { stats: queries },
  };
}
