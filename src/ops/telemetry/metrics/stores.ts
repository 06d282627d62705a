import { Counter, Gauge, type Registry } from 'prom-client';
import type { Measures } from './measures.ts';

/** Why each store is not ready, as in /readyz; undefined: ready. */
type StoreChecks = Record<string, () => Promise<string | undefined> | string | undefined>;

/** Copied from `redis/refusal.ts`, which metrics must not import; a test compares both. */
export const redisReasons = [
  ...[
    'READONLY',
    'MASTERDOWN',
    'LOADING',
    'NOREPLICAS',
    'MISCONF',
    'OOM',
    'BUSY',
    'CLUSTER',
    'MOVED',
    'SENTINEL',
    'NOFSYNC',
  ],
  ...['NOPERM', 'NOAUTH', 'WRONGTYPE', 'SILENT', 'UNREACHABLE', 'OTHER'],
];

export function measureStores(registry: Registry): Measures {
  const failures = new Counter({
    name: 'weir_store_failures_total',
    help: 'Failed attempts of this process to use a store, by part of the program.',
    labelNames: ['store'],
    registers: [registry],
  });
  const refused = new Counter({
    name: 'weir_redis_refused_total',
    help: 'Commands of this process that Redis refused or did not answer, by reason.',
    labelNames: ['reason'],
    registers: [registry],
  });
  const state = new Gauge({
    name: 'weir_redis_refuses',
    help: '1 for each reason why Redis refuses commands now, else 0.',
    labelNames: ['reason'],
    registers: [registry],
  });
  for (const reason of redisReasons) {
    refused.inc({ reason }, 0);
    state.set({ reason }, 0);
  }
  return {
    'store refused': ({ reason }) => state.set({ reason }, 1),
    'store accepted': ({ reason }) => state.set({ reason }, 0),
    'command refused': ({ reason }) => refused.inc({ reason }),
    'store failed': ({ store }) => failures.inc({ store }),
    'backlog read'({ backlog: { place, waiting } }) {
      if (!waiting) failures.inc({ store: `backlog ${place}` });
    },
  };
}

/**
 * Runs the checks at each scrape. Conditions of the start, such as waiting for the database, are not stores.
 */
export function measureReadiness(registry: Registry, checks: StoreChecks): void {
  new Gauge({
    name: 'weir_store_up',
    help: '1 while this process can use the store, 0 while it cannot; the reason is in /readyz.',
    labelNames: ['store'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [store, check] of Object.entries(checks)) {
        if (store !== 'start') this.set({ store }, (await check()) === undefined ? 1 : 0);
      }
    },
  });
}
