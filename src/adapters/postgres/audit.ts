import type { Database, Sql } from '../../lib/sql.ts';
import { type Audit, sumUp } from '../../ops/audit/audit.ts';
import type { AuditFigures } from '../../ops/audit/audit-figures.ts';
import type { StreamAndSaleReadings, StreamReadings } from '../../ops/audit/stream-reading.ts';
import { advanceCheckpoint, forgetCounts } from './audit-checkpoint.ts';
import { findExceptions } from './audit-exceptions.ts';
import { countInstances, countPaidOrders, countRestocked, countWaiting } from './audit-figures.ts';
import { figureStreams } from './audit-streams.ts';
import { figureUnits, nameLostUnits } from './audit-units.ts';

export interface AuditOptions {
  /** Count everything again. */
  full?: boolean;
  /** Search whole tables for the rows behind a difference. */
  explain?: boolean;
}

/**
 * One audit, in one snapshot of the database, taken by its first statement. The streams are read just
 * before; rows of entries delivered later are left out of the sums, so traffic causes no difference.
 *
 * @throws the store's error; 40001 when two audits met and the other one has finished
 */
export async function audit(
  database: Database,
  readings: StreamReadings,
  { full = false, explain = true }: AuditOptions = {},
): Promise<Audit> {
  const startedAt = performance.now();
  if (full) await database.transaction(startOver);
  while (await database.transaction(advanceCheckpoint));
  const [clock] = await database.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  const since = clock?.now ?? new Date();
  const result = await database.transaction(
    async (sql) => {
      const figures = await collectFigures(sql, await readings.read(), since);
      const sums = await sumUp(figures, async (name) => {
        if (!explain) return [];
        if (name === 'units') return nameLostUnits(sql, readings, figures.sales, figures.units);
        return findExceptions(sql, name);
      });
      return { ...sums, auditedAt: since, durationMs: Math.round(performance.now() - startedAt) };
    },
    { oneSnapshot: true },
  );
  await noteLastAudit(database, result);
  return result;
}

/**
 * Also counts rows that were inserted below the cursors by hand, from a backup for example, and gives them
 * deadlines.
 */
async function startOver(sql: Sql): Promise<void> {
  await forgetCounts(sql);
  await sql.query('UPDATE overdue_cursor SET id = 0');
}

/** Lets every other process report the result of the last audit. */
async function noteLastAudit(sql: Sql, { auditedAt, ok, sums }: Audit): Promise<void> {
  const breaches = sums.filter(({ difference, exceptions }) => difference !== 0 || exceptions.length > 0);
  await sql.query(
    `INSERT INTO last_audit (audited_at, ok, exceptions) VALUES ($1, $2, $3)
     ON CONFLICT (only_row) DO UPDATE SET audited_at = excluded.audited_at, ok = excluded.ok,
       exceptions = excluded.exceptions WHERE last_audit.audited_at <= excluded.audited_at`,
    [auditedAt, ok, breaches.reduce((sum, { exceptions }) => sum + Math.max(1, exceptions.length), 0)],
  );
}

async function collectFigures(
  sql: Sql,
  { streams: readings, sales }: StreamAndSaleReadings,
  since: Date,
): Promise<AuditFigures> {
  const instances = await countInstances(sql);
  const paidOrders = await countPaidOrders(sql);
  const { overdue, parked, restocks, refunds, ...counted } = await countWaiting(sql);
  const streams = await figureStreams(sql, readings, instances, since);
  return {
    ...counted,
    instances,
    paidOrders,
    streams,
    sales,
    units: await figureUnits(sql, sales, streams),
    restocked: await countRestocked(sql, since),
    waiting: {
      entries: streams.reduce((sum, { waiting }) => sum + waiting, 0),
      events: counted.waitingEvents,
      processing: instances.reduce((sum, row) => (row.status === 'PROCESSING' ? sum + row.rows : sum), 0),
      overdue,
      parked,
      restocks,
      refunds,
    },
  };
}
