import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { version } from '../../../lib/version.ts';

/** Gauges whose names end as only those of counters may; each has a twin with a label by type that does not. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Memory, processor time, garbage collection and the lag of the event loop come with the library. */
export function measureProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({
    name: 'weir_build_info',
    help: 'Always 1. Which program this is: to count replicas and to see a rollout.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1);
}
