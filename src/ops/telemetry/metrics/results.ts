import { Counter, Gauge, type Registry } from 'prom-client';
import { countEach } from '../../../lib/count-each.ts';
import type { Measures } from './measures.ts';

/**
 * Measures instances and orders after publication. `lastDeadlineMs`: time from the first publication to the
 * timeout.
 */
export function measureResults(registry: Registry, lastDeadlineMs: number): Measures {
  const registers = [registry];
  const results = new Counter({
    name: 'weir_results_total',
    help: 'Results of the Resource Domain, by outcome: applied, repeat, late, contradicts, unknown.',
    labelNames: ['outcome'],
    registers,
  });
  const settledInstances = new Counter({
    name: 'weir_instances_settled_total',
    help: 'Instances that this process set to SUCCESS or FAILED, by a result or after the last deadline.',
    labelNames: ['status'],
    registers,
  });
  const overdue = new Counter({
    name: 'weir_instances_overdue_total',
    help: 'Instances past a deadline: republished, or timed out as FAILED.',
    labelNames: ['action'],
    registers,
  });
  const restocked = new Counter({
    name: 'weir_units_restocked_total',
    help: 'Units of failed instances, by outcome: restocked, no_sale; failed: attempts that will be repeated.',
    labelNames: ['outcome'],
    registers,
  });
  const expired = new Counter({
    name: 'weir_orders_expired_total',
    help: 'Orders that expired unpaid.',
    registers,
  });
  const refundsAgain = new Counter({
    name: 'weir_refunds_requested_again_total',
    help: 'Refund requests that this process republished because the refund was not reported.',
    registers,
  });
  new Gauge({
    name: 'weir_result_deadline_seconds',
    help: 'Seconds from the first publication to the timeout of an instance without a result, by the settings of this process.',
    registers,
  }).set(lastDeadlineMs / 1000);
  for (const outcome of ['applied', 'repeat', 'late', 'contradicts', 'unknown']) results.inc({ outcome }, 0);
  for (const status of ['SUCCESS', 'FAILED']) settledInstances.inc({ status }, 0);
  for (const action of ['republished', 'timed_out']) overdue.inc({ action }, 0);
  for (const outcome of ['restocked', 'no_sale', 'failed']) restocked.inc({ outcome }, 0);
  return {
    'results judged'({ results: judged, settled }) {
      const applied = judged.filter((_, i) => settled[i] === 'applied');
      for (const [outcome, count] of countEach(settled)) results.inc({ outcome }, count);
      for (const [status, count] of countEach(applied.map((result) => result.status)))
        settledInstances.inc({ status }, count);
    },
    'instances overdue'({ republished, timedOut }) {
      overdue.inc({ action: 'republished' }, republished);
      overdue.inc({ action: 'timed_out' }, timedOut);
      settledInstances.inc({ status: 'FAILED' }, timedOut);
    },
    'units restocked'({ outcomes }) {
      for (const outcome of outcomes) restocked.inc({ outcome: outcome.toLowerCase() });
    },
    'restocks failed': ({ count }) => restocked.inc({ outcome: 'failed' }, count),
    'refunds requested again': ({ count }) => refundsAgain.inc(count),
    'orders expired': ({ count }) => expired.inc(count),
  };
}
