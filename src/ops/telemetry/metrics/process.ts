import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { version } from '../../../lib/version.ts';

/** Gauges whose names have a suffix reserved for counters; each has a twin with a `type` label. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Memory, CPU time, garbage collection and event loop lag, from the library's defaults. */
export function measureProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({
    name: 'weir_build_info',
    help: 'Always 1. Version of the program: counts replicas and shows a rollout.',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version, node_version: process.version }, 1);
}
