import type { Evidence } from '../evidence/evidence.ts';
import type { Violation } from './violation.ts';

/** The machine of an instance that Weir gave up is released; that of an instance that stands is not. */
export function checkReleases({ messages, rows }: Evidence): Violation[] {
  if (!messages) return [];
  const released = new Set(messages.releases.map(({ content }) => content.instanceId));
  return rows.flatMap(({ instanceId, status, reason }): Violation[] => {
    const subject = `instance ${instanceId}`;
    if (status !== 'FAILED' && released.has(instanceId)) {
      return [{ kind: 'phantom', subject, detail: `released, and is ${status}` }];
    }
    if (status === 'FAILED' && reason === 'TIMEOUT' && !released.has(instanceId)) {
      return [{ kind: 'missing release', subject, detail: 'given up (TIMEOUT), and not released' }];
    }
    return [];
  });
}
