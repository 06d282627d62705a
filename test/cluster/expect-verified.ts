import { expect } from 'vitest';
import { runVerification } from '../../verify/src/run.ts';
import type { Verdict } from '../../verify/src/verdict.ts';
import { createLifeQueues, expectAuditHolds } from '../support/life.ts';
import { createPostgresDatabase, createRedisDatabase, rabbitmqUrl } from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';

/** Stores of a cluster; a store that is not given is one of the tests' own servers. */
export interface Stores {
  postgres?: string;
  redis?: string;
  rabbitmq?: string;
  /** Further settings of Weir. */
  settings?: Record<string, string>;
  /** Entries that an asynchronous replica had not received may be lost; the checker lists them. */
  redisMayLose?: boolean;
}

/**
 * Starts a Weir on these stores, sends purchases of every kind through the external checker, lets `trouble` happen after half of them,
 * and requires that the checker finds every promise held, and the audit too unless Redis may lose entries.
 */
export async function expectVerified(stores: Stores, trouble: () => Promise<void>): Promise<Verdict> {
  const { queues, env } = createLifeQueues();
  const postgres = stores.postgres ?? (await createPostgresDatabase());
  const redis = stores.redis ?? (await createRedisDatabase());
  const rabbitmq = stores.rabbitmq ?? rabbitmqUrl;
  const weir = await startWeir({
    ...env,
    WEIR_DATA_DATABASE_SOURCE: postgres,
    WEIR_DATA_REDIS_ADDR: redis,
    WEIR_DATA_RABBITMQ_URL: rabbitmq,
    WEIR_SECKILL_MINIDLEMS: '300',
    ...stores.settings,
  });
  const verdict = await runVerification({
    ...{ urls: [weir.url], postgres, redis, rabbitmq, queues: { ...queues, created: [queues.created] } },
    ...{ rate: 50, count: 160, redisMayLose: stores.redisMayLose },
    atHalfTime: trouble,
  });
  expect(verdict.violations).toEqual([]);
  expect(verdict.notChecked).toEqual([]);
  if (!stores.redisMayLose) await expectAuditHolds(weir);
  return verdict;
}
