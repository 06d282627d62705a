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
    help: 'Of each sum of the last periodic audit: actual minus expected. 0 when it holds.',
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
    help: 'What was under way at the last periodic audit: not an error, but investigate when it grows.',
    labelNames: ['what'],
    registers,
  });
  const auditedAt = new Gauge({
    name: 'weir_audit_timestamp_seconds',
    help: 'When the last periodic audit of this process was, in seconds since 1970; 0 while there was none.',
    registers: isToAudit ? registers : [],
  });
  const duration = new Histogram({
    name: 'weir_audit_duration_seconds',
    help: 'How long an audit took, periodic or asked for.',
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
