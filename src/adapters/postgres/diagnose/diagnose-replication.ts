import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { problem, warning } from './finding.ts';

const gibibyte = 2 ** 30;

/** Standbys that could be promoted without the latest purchases, and slots that fill the disk. */
export async function diagnoseReplication(sql: Sql): Promise<Finding[]> {
  const [server] = await sql.query<{ standbys: number; names: string; is_standby: boolean }>(
    `SELECT (SELECT count(*)::int FROM pg_stat_replication) AS standbys,
       current_setting('synchronous_standby_names') AS names, pg_is_in_recovery() AS is_standby`,
  );
  if (!server || server.is_standby) return [];
  const findings: Finding[] = [];
  if (server.standbys > 0 && server.names === '') {
    const what = 'every standby is asynchronous: a failover loses the purchases that were not replicated yet';
    findings.push(warning(what, 'list the standby that may be promoted in synchronous_standby_names'));
  }
  const slots = await sql.query<{ slot_name: string; active: boolean; wal_status: string; held: string }>(
    `SELECT slot_name, active, coalesce(wal_status, '') AS wal_status,
       coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint::text AS held FROM pg_replication_slots`,
  );
  for (const { slot_name, active, wal_status, held } of slots) {
    if (wal_status === 'lost') {
      const what = `replication slot ${slot_name} has lost its WAL: its subscriber must be set up again`;
      findings.push(problem(what, `SELECT pg_drop_replication_slot('${slot_name}')`));
    } else if (!active && Number(held) > gibibyte) {
      const what = `nothing reads replication slot ${slot_name}, which holds back ${toGibibytes(held)} GiB of WAL`;
      findings.push(warning(what, 'drop it, or restart its subscriber before the disk is full'));
    }
  }
  return findings;
}

function toGibibytes(bytes: string): string {
  return (Number(bytes) / gibibyte).toFixed(1);
}
