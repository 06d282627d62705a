import { Gauge, type Registry } from 'prom-client';
import type { Measures } from './measures.ts';

/**
 * The queues that other services consume, as reported by the broker a few seconds ago. An unknown queue has
 * no series.
 */
export function measureQueues(registry: Registry): Measures {
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['queue'], registers: [registry] });
  const ready = gauge(
    'weir_queue_ready_messages',
    'Messages that no consumer has been given, by queue: created (created.0 and so on where there are several), release, refund.',
  );
  const consumers = gauge(
    'weir_queue_consumers',
    'Consumers of a queue that others read. While created has none no deadline runs.',
  );
  const stopped = new Gauge({
    name: 'weir_deadlines_stopped',
    help: '1 while no deadline of an instance runs, because events do not reach a consumer.',
    registers: [registry],
  });
  return {
    'queues read'({ readings = new Map() }) {
      ready.reset();
      consumers.reset();
      for (const [queue, reading] of readings) {
        ready.set({ queue }, reading.ready);
        consumers.set({ queue }, reading.consumers);
      }
    },
    'deadlines switched': ({ blockedBy }) => stopped.set(blockedBy ? 1 : 0),
  };
}
