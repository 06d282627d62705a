import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBuckets, type Measures } from './measures.ts';

/** From a frame to the queue. */
export function measureAnnouncing(registry: Registry): Measures {
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
    name: 'weir_announce_duration_seconds',
    help: 'From a claimed batch of frames to its last confirm.',
    buckets: durationBuckets,
    registers,
  });
  return {
    'events announced'({ count, lastedMs }) {
      confirmed.inc(count);
      duration.observe(lastedMs / 1000);
    },
    'messages refused': ({ count }) => refused.inc(count),
  };
}
