import type { HttpRoutes } from '../../adapters/http/server.ts';
import { postgresAuditStreams } from '../../adapters/postgres/audit-streams.ts';
import { postgresActivityQueries } from '../../adapters/postgres/list-activity.ts';
import { postgresOperatorKeys } from '../../adapters/postgres/operator-keys.ts';
import { postgresOperatorSessions } from '../../adapters/postgres/operator-sessions.ts';
import type { KeyRing } from '../../ops/access/key-ring.ts';
import type { Components } from '../components.ts';
import { createLiveFigures, type LiveParts } from '../live-figures.ts';

export type OperatorParts = LiveParts & Pick<Components, 'audit'>;

export function createOperatorRoutes(
  components: OperatorParts,
  { keyRing, draining }: { keyRing: KeyRing; draining: AbortSignal },
): Pick<HttpRoutes, 'now' | 'activity' | 'audit' | 'keys' | 'session'> {
  const { database, audit } = components;
  return {
    now: { ...createLiveFigures(components), draining },
    activity: postgresActivityQueries(database.reads),
    audit: {
      audit: (full) => audit(full ? 'full' : 'explained'),
      ...postgresAuditStreams(database),
    },
    keys: { keys: postgresOperatorKeys(database), keyRing },
    session: { sessions: postgresOperatorSessions(database) },
  };
}
