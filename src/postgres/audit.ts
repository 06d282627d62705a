import { type Audit, type AuditFigures, sumUp } from '../audit/audit.ts';
import type { StreamReadings } from '../audit/stream-reading.ts';
import type { Database, Sql } from '../lib/sql.ts';
import { findExceptions } from './audit-exceptions.ts';
import { countInstances, countPaidOrders, countTheRest } from './audit-figures.ts';
import { figureStreams } from './audit-streams.ts';

/**
 * One audit, in one snapshot of the database. Streams in another store are read just before it: rows of entries that
 * were delivered later are left out of the sum, so traffic makes no difference.
 *
 * @throws the store's error; 40001 when two audits met, of which the other one is done
 */
export async function audit(
  database: Database,
  readings: StreamReadings,
  { full = false }: { full?: boolean } = {},
): Promise<Audit> {
  const startedAt = performance.now();
  const [clock] = await database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const since = clock?.now ?? new Date();
  // What lives in the same database answers inside the snapshot, everything else before it.
  const before = readings.inSameDatabase ? undefined : await read(database, readings);
  return database.transaction(
    async (sql) => {
      const instances = await countInstances(sql, full);
      const paidOrders = await countPaidOrders(sql);
      const { overdue, parked, giveBacks, refunds, ...counted } = await countTheRest(sql);
      const { streams: streamReadings, sales } = before ?? (await read(sql, readings));
      const streams = await figureStreams(sql, streamReadings, instances, since);
      const figures: AuditFigures = {
        ...counted,
        instances,
        paidOrders,
        streams,
        sales,
        waiting: {
          entries: streams.reduce((sum, { waiting }) => sum + waiting, 0),
          events: counted.waitingEvents,
          processing: instances.reduce((sum, row) => (row.status === 'PROCESSING' ? sum + row.rows : sum), 0),
          overdue,
          parked,
          giveBacks,
          refunds,
        },
      };
      const result = await sumUp(figures, (name) => findExceptions(sql, name));
      return { ...result, auditedAt: since, lastedMs: Math.round(performance.now() - startedAt) };
    },
    { oneSnapshot: true },
  );
}

async function read(sql: Sql, readings: StreamReadings) {
  return { streams: await readings.readStreams(sql), sales: await readings.readSales(sql) };
}
