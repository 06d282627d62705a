import type { Registry } from 'prom-client';
import type { Backlog } from '../../live/backlog.ts';
import type { Config } from '../../../config/config.ts';
import { measureAnnouncing } from './publishing.ts';
import { measureAudits } from './audits.ts';
import { measureBacklog } from './backlog.ts';
import { measureIntake } from './intake.ts';
import { measureProcess } from './process.ts';
import { measureQueues } from './queues.ts';
import { measureRequests } from './requests.ts';
import { measureResults } from './results.ts';
import { measureStores } from './stores.ts';
import type { Happening, Notify } from '../events.ts';

/** The settings that decide which metrics a process has, and what alerts compare them with. */
export type MeasuredConfig = Pick<
  Config,
  'roles' | 'auditEveryMs' | 'backlogEveryMs' | 'stuckDeadlineMs' | 'maxAnnouncements'
>;

/**
 * What Prometheus reads off /metrics, made of the same happenings as the log. Every label has few values, whatever callers
 * send: each is one of a list in the code, or bounded where it is measured.
 */
export function createMetrics(registry: Registry, config: MeasuredConfig): Notify {
  const isToAudit = config.roles.includes('settle') && config.auditEveryMs > 0;
  measureProcess(registry);
  const parts = [
    measureRequests(registry),
    measureIntake(registry),
    measureAnnouncing(registry),
    measureResults(registry, lastDeadlineMs(config)),
    measureQueues(registry),
    measureStores(registry),
    measureBacklog(registry, placesAsked(config)),
    measureAudits(registry, isToAudit),
  ];
  const measures = new Map<string, ((happening: never) => void)[]>();
  for (const part of parts) {
    for (const [type, measure] of Object.entries(part)) {
      measures.set(type, [...(measures.get(type) ?? []), measure]);
    }
  }
  return (happening: Happening) => {
    for (const measure of measures.get(happening.type) ?? []) measure(happening as never);
  };
}

function placesAsked({ roles, backlogEveryMs }: MeasuredConfig): Backlog['place'][] {
  if (backlogEveryMs === 0) return [];
  return roles.includes('ingest') ? ['database', 'streams'] : ['database'];
}

/** As `stuck.*` is described in docs/operating.md: once, once, twice, four times the first one, and so on. */
function lastDeadlineMs({ stuckDeadlineMs, maxAnnouncements }: MeasuredConfig): number {
  return stuckDeadlineMs * 2 ** (maxAnnouncements - 1);
}
