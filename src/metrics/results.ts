import { Counter, type Registry } from 'prom-client';
import type { Measures } from './measures.ts';

/** What happens to instances and orders after the announcement. */
export function measureResults(registry: Registry): Measures {
  const registers = [registry];
  const settled = new Counter({
    name: 'weir_results_total',
    help: 'Results of the Resource Domain, by what became of them: applied, repeat, late, contradicts, unknown.',
    labelNames: ['outcome'],
    registers,
  });
  const overdue = new Counter({
    name: 'weir_instances_overdue_total',
    help: 'Instances past a deadline: announced again, or given up as FAILED.',
    labelNames: ['action'],
    registers,
  });
  const givenBack = new Counter({
    name: 'weir_units_given_back_total',
    help: 'Units of failed instances, by whether a sale of Weir took them back.',
    labelNames: ['outcome'],
    registers,
  });
  const expired = new Counter({
    name: 'weir_orders_expired_total',
    help: 'Orders that were never paid.',
    registers,
  });
  for (const outcome of ['applied', 'repeat', 'late', 'contradicts', 'unknown']) settled.inc({ outcome }, 0);
  for (const action of ['announced_again', 'timed_out']) overdue.inc({ action }, 0);
  for (const outcome of ['given_back', 'no_sale']) givenBack.inc({ outcome }, 0);
  return {
    'results settled'({ counts }) {
      for (const [outcome, count] of counts) settled.inc({ outcome }, count);
    },
    'instances overdue'({ announcedAgain, timedOut }) {
      overdue.inc({ action: 'announced_again' }, announcedAgain);
      overdue.inc({ action: 'timed_out' }, timedOut);
    },
    'units given back'({ outcomes }) {
      for (const outcome of outcomes) givenBack.inc({ outcome: outcome.toLowerCase() });
    },
    'orders expired': ({ count }) => expired.inc(count),
  };
}
