import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { parkedReasons } from '../../../core/parked/parked-item.ts';
import { boundLabel } from './bound-label.ts';
import { durationBuckets, type Measures } from './measures.ts';

const mostSources = 20;

/** Measures the path from a purchase to its commit or parking. */
export function measureIntake(registry: Registry): Measures {
  const registers = [registry];
  const boundSource = boundLabel(mostSources, ['SECKILL', 'ORDER']);
  const created = new Counter({
    name: 'weir_instances_created_total',
    help: `Instances created by this process, by source; from the ${mostSources}th source on "other".`,
    labelNames: ['source'],
    registers,
  });
  const duration = new Histogram({
    name: 'weir_commit_duration_seconds',
    help: 'Time from a batch of purchases to its commit.',
    buckets: durationBuckets,
    registers,
  });
  const parked = new Counter({
    name: 'weir_parked_total',
    help: 'Items parked by this process, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const held = new Gauge({
    name: 'weir_intake_paused',
    help: '1 while too many events wait, streams are not read and HTTP answers 503.',
    registers,
  });
  const leases = new Counter({
    name: 'weir_worker_leases_total',
    help: 'Worker ids requested by this process: acquired, lost to another process, refused because all are leased.',
    labelNames: ['outcome'],
    registers,
  });
  // Initialize to 0: Prometheus sees no increase when a counter first appears with 1.
  for (const reason of parkedReasons) parked.inc({ reason }, 0);
  for (const outcome of ['acquired', 'lost', 'refused']) leases.inc({ outcome }, 0);
  for (const source of ['SECKILL', 'ORDER']) created.inc({ source }, 0);
  return {
    'instances created'({ counts, durationMs }) {
      for (const [source, count] of counts) created.inc({ source: boundSource(source) }, count);
      duration.observe(durationMs / 1000);
    },
    'entries parked'({ entries }) {
      for (const { error } of entries) parked.inc({ reason: error.code });
    },
    'payment parked'({ error }) {
      parked.inc({ reason: error.code });
    },
    'results parked'({ results }) {
      for (const { error } of results) parked.inc({ reason: error.code });
    },
    'dead letters parked'({ letters }) {
      for (const { error } of letters) parked.inc({ reason: error.code });
    },
    'messages refused'({ parked: count }) {
      if (count > 0) parked.inc({ reason: 'MESSAGE_REFUSED' }, count);
    },
    'restocks failed'({ parked: count }) {
      if (count > 0) parked.inc({ reason: 'RESTOCK_FAILED' }, count);
    },
    'worker id'({ outcome }) {
      leases.inc({ outcome });
    },
    'intake paused': () => held.set(1),
    'intake resumed': () => held.set(0),
  };
}
