import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { problem, warning } from './finding.ts';

/** Of 2^31. The server refuses every write three million transactions before that. */
const dangerousAge = 1_500_000_000;
const oldAge = 500_000_000;
const longMinutes = 10;

/** Transaction ids that run out, and whatever keeps vacuum from removing dead rows. */
export async function diagnoseVacuum(sql: Sql): Promise<Finding[]> {
  const [row] = await sql.query<{
    age: number;
    open_minutes: number | null;
    open_by: string | null;
    prepared: number;
  }>(
    `SELECT (SELECT max(greatest(age(datfrozenxid), mxid_age(datminmxid)))::int FROM pg_database) AS age,
       oldest.minutes AS open_minutes, oldest.name AS open_by,
       (SELECT count(*)::int FROM pg_prepared_xacts WHERE prepared < now() - interval '10 minutes') AS prepared
     FROM (SELECT 1) AS one LEFT JOIN LATERAL (
       SELECT floor(extract(epoch FROM now() - xact_start) / 60)::int AS minutes,
         pid || ' (' || coalesce(nullif(application_name, ''), usename, '') || ')' AS name
       FROM pg_stat_activity WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()
       ORDER BY xact_start LIMIT 1) AS oldest ON TRUE`,
  );
  if (!row) return [];
  const findings: Finding[] = [];
  if (row.age > oldAge) {
    const what = `the oldest transaction id is ${row.age} transactions old; at 2,146,000,000 every write is refused`;
    const advice = 'find what holds vacuum back (long transactions, slots), then run VACUUM FREEZE';
    findings.push(row.age > dangerousAge ? problem(what, advice) : warning(what, advice));
  }
  if ((row.open_minutes ?? 0) >= longMinutes) {
    const what = `session ${row.open_by} has had a transaction open for ${row.open_minutes} minutes: nothing is vacuumed`;
    findings.push(warning(what, 'end it: dead rows of the outbox slow the relay'));
  }
  if (row.prepared > 0) {
    const what = `${row.prepared} prepared transactions are older than 10 minutes: nothing is vacuumed`;
    findings.push(warning(what, 'COMMIT PREPARED or ROLLBACK PREPARED them'));
  }
  return findings;
}
