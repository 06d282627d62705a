import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Measures } from './measures.ts';

/**
 * Gauges of periodic audits only: a manual audit's result would remain for ever. `isToAudit`: whether this
 * process runs periodic audits; if not, none is reported as missing.
 */
export function measureAudits(registry: Registry, isToAudit: boolean): Measures {
  const registers = [registry];
  const difference = new Gauge({
    name: 'weir_audit_difference',
    help: 'Last periodic audit: actual minus expected, by sum. 0 if the invariant holds.',
    labelNames: ['sum'],
    registers,
  });
  const exceptions = new Gauge({
    name: 'weir_audit_exceptions',
    help: 'Exceptions that the last periodic audit listed, by sum; `weir audit` names them.',
    labelNames: ['sum'],
    registers,
  });
  const waiting = new Gauge({
    name: 'weir_audit_waiting',
    help: 'Items under way at the last periodic audit: not an error, but investigate when it grows.',
    labelNames: ['what'],
    registers,
  });
  const auditedAt = new Gauge({
    name: 'weir_audit_timestamp_seconds',
    help: 'Time of the last periodic audit of this process, in seconds since 1970; 0 before the first.',
    registers: isToAudit ? registers : [],
  });
  const duration = new Histogram({
    name: 'weir_audit_duration_seconds',
    help: 'Duration of an audit, periodic or requested.',
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30],
    registers,
  });
  return {
    audited({ audit, isPeriodic }) {
      duration.observe(audit.durationMs / 1000);
      if (!isPeriodic) return;
      for (const { name, difference: found, exceptions: listed } of audit.sums) {
        difference.set({ sum: name }, found);
        exceptions.set({ sum: name }, listed.length);
      }
      for (const [what, count] of Object.entries(audit.waiting)) waiting.set({ what }, count);
      auditedAt.set(audit.auditedAt.getTime() / 1000);
    },
  };
}
