import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import type { Notify } from './telemetry.ts';

/** What Prometheus reads off /metrics, made of the same happenings as the log. */
export function createMetrics(registry: Registry): Notify {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const created = new Counter({
    name: 'weir_instances_created_total',
    help: 'Instances created, by source.',
    labelNames: ['source'],
    registers,
  });
  const confirmed = new Counter({
    name: 'weir_events_confirmed_total',
    help: 'Events that the queue has confirmed.',
    registers,
  });
  const refused = new Counter({
    name: 'weir_messages_refused_total',
    help: 'Messages that the broker returned or refused.',
    registers,
  });
  const parked = new Counter({
    name: 'weir_parked_total',
    help: 'Entries and messages parked, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const failures = new Counter({
    name: 'weir_store_failures_total',
    help: 'Failed attempts to use a store, by store.',
    labelNames: ['store'],
    registers,
  });
  const held = new Gauge({
    name: 'weir_intake_held',
    help: '1 while too many events wait and nothing is taken in.',
    registers,
  });
  const settled = new Counter({
    name: 'weir_results_total',
    help: 'Results of the Resource Domain, by what became of them.',
    labelNames: ['outcome'],
    registers,
  });
  const overdue = new Counter({
    name: 'weir_instances_overdue_total',
    help: 'Instances past a deadline: announced again, or given up.',
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
  const auditDifference = new Gauge({
    name: 'weir_audit_difference',
    help: 'Of each sum of the last audit: actual minus expected. 0 when it holds.',
    labelNames: ['sum'],
    registers,
  });
  const auditExceptions = new Gauge({
    name: 'weir_audit_exceptions',
    help: 'Exceptions that the last audit listed, by sum.',
    labelNames: ['sum'],
    registers,
  });
  const auditWaiting = new Gauge({
    name: 'weir_audit_waiting',
    help: 'What was under way at the last audit.',
    labelNames: ['what'],
    registers,
  });
  const auditedAt = new Gauge({
    name: 'weir_audit_timestamp_seconds',
    help: 'When the last audit of this process was, in seconds since 1970.',
    registers,
  });
  const auditSeconds = new Histogram({
    name: 'weir_audit_duration_seconds',
    help: 'How long an audit took.',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers,
  });
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const commitSeconds = new Histogram({
    name: 'weir_commit_duration_seconds',
    help: 'From a batch of purchases to its commit.',
    buckets,
    registers,
  });
  const announceSeconds = new Histogram({
    name: 'weir_announce_duration_seconds',
    help: 'From a claimed batch of frames to its last confirm.',
    buckets,
    registers,
  });
  return (happening) => {
    switch (happening.type) {
      case 'instances created':
        for (const [source, count] of happening.counts) created.inc({ source }, count);
        commitSeconds.observe(happening.lastedMs / 1000);
        break;
      case 'events announced':
        confirmed.inc(happening.count);
        announceSeconds.observe(happening.lastedMs / 1000);
        break;
      case 'messages refused':
        refused.inc(happening.count);
        if (happening.parked > 0) parked.inc({ reason: 'MESSAGE_REFUSED' }, happening.parked);
        break;
      case 'entries parked':
        for (const { error } of happening.entries) parked.inc({ reason: error.code });
        break;
      case 'results settled':
        for (const [outcome, count] of happening.counts) settled.inc({ outcome }, count);
        break;
      case 'results parked':
        for (const { error } of happening.results) parked.inc({ reason: error.code });
        break;
      case 'instances overdue':
        overdue.inc({ action: 'announced_again' }, happening.announcedAgain);
        overdue.inc({ action: 'timed_out' }, happening.timedOut);
        break;
      case 'units given back':
        for (const outcome of happening.outcomes) givenBack.inc({ outcome: outcome.toLowerCase() });
        break;
      case 'orders expired':
        expired.inc(happening.count);
        break;
      case 'audited': {
        const { sums, waiting, lastedMs, auditedAt: at } = happening.audit;
        for (const { name, difference, exceptions } of sums) {
          auditDifference.set({ sum: name }, difference);
          auditExceptions.set({ sum: name }, exceptions.length);
        }
        for (const [what, count] of Object.entries(waiting)) auditWaiting.set({ what }, count);
        auditedAt.set(at.getTime() / 1000);
        auditSeconds.observe(lastedMs / 1000);
        break;
      }
      case 'store failed':
        failures.inc({ store: happening.store });
        break;
      case 'intake held':
      case 'intake resumed':
        held.set(happening.type === 'intake held' ? 1 : 0);
        break;
    }
  };
}
