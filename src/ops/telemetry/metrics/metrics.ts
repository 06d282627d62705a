import type { Registry } from 'prom-client';
import type { Config } from '../../../config/config.ts';
import type { Backlog } from '../../live/backlog.ts';
import type { Emit, TelemetryEvent } from '../events.ts';
import { measureAudits } from './audits.ts';
import { measureBacklog } from './backlog.ts';
import { measureIntake } from './intake.ts';
import { measureProcess } from './process.ts';
import { measurePublishing } from './publishing.ts';
import { measureQueues } from './queues.ts';
import { measureRequests } from './requests.ts';
import { measureResults } from './results.ts';
import { measureStores } from './stores.ts';

/** The settings that select a process's metrics and that alerts compare them with. */
export type MeasuredConfig = Pick<Config, 'audit' | 'metrics' | 'overdue'> & {
  server: Pick<Config['server'], 'roles'>;
};

/**
 * Derives the metrics for /metrics from the same events as the log. Every label is bounded: from a list in
 * the code, or where it is measured.
 */
export function createMetrics(registry: Registry, config: MeasuredConfig): Emit {
  const isToAudit = config.server.roles.includes('settle') && config.audit.everyMs > 0;
  measureProcess(registry);
  const parts = [
    measureRequests(registry),
    measureIntake(registry),
    measurePublishing(registry),
    measureResults(registry, lastDeadlineMs(config)),
    measureQueues(registry),
    measureStores(registry),
    measureBacklog(registry, placesAsked(config)),
    measureAudits(registry, isToAudit),
  ];
  const measures = new Map<string, ((event: never) => void)[]>();
  for (const part of parts) {
    for (const [type, measure] of Object.entries(part)) {
      measures.set(type, [...(measures.get(type) ?? []), measure]);
    }
  }
  return (event: TelemetryEvent) => {
    for (const measure of measures.get(event.type) ?? []) measure(event as never);
  };
}

function placesAsked({ server, metrics }: MeasuredConfig): Backlog['place'][] {
  if (metrics.backlogEveryMs === 0) return [];
  return server.roles.includes('ingest') ? ['database', 'streams'] : ['database'];
}

/**
 * As described for `overdue.*` in docs/monitoring.md: once, once, twice, four times the first deadline, and
 * so on.
 */
function lastDeadlineMs({ overdue: { deadlineMs, maxPublications } }: MeasuredConfig): number {
  return deadlineMs * 2 ** (maxPublications - 1);
}
