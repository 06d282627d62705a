import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBuckets, type Measures } from './measures.ts';

/** Measures the path from a batch to the queue. */
export function measurePublishing(registry: Registry): Measures {
  const registers = [registry];
  const confirmed = new Counter({
    name: 'weir_events_confirmed_total',
    help: 'Events that the queue has confirmed to this process.',
    registers,
  });
  const refused = new Counter({
    name: 'weir_messages_refused_total',
    help: 'Messages that the broker returned or refused; each is tried again before it is parked.',
    registers,
  });
  const duration = new Histogram({
    name: 'weir_publish_duration_seconds',
    help: 'Time from claimed outbox batches to their last confirm.',
    buckets: durationBuckets,
    registers,
  });
  return {
    'events published'({ count, durationMs }) {
      confirmed.inc(count);
      duration.observe(durationMs / 1000);
    },
    'messages refused': ({ count }) => refused.inc(count),
  };
}
