import { embeddedStreamReadings } from '../../src/adapters/embedded/stream-readings.ts';
import { type AuditOptions, audit } from '../../src/adapters/postgres/audit.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { Audit } from '../../src/ops/audit/audit.ts';

/** An audit of a database that also holds its streams. */
export function auditEmbedded(database: Database, options: AuditOptions = {}): Promise<Audit> {
  const { database: view, readings } = embeddedStreamReadings(database);
  return audit(view, readings, options);
}
