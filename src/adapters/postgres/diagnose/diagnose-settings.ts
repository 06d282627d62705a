import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { ok, problem, warning } from './finding.ts';

const oldestMajor = 14;

interface Settings {
  version: string;
  version_number: string;
  fsync: string;
  synchronous_commit: string;
  full_page_writes: string;
  autovacuum: string;
  track_counts: string;
  wal_level: string;
  encoding: string;
  /** The value for the database and the role, before Weir's sessions set their own. */
  is_read_only: boolean;
  is_standby: boolean;
  clock: Date;
}

/** The version, and settings under which a commit can be lost or writes fail. */
export async function diagnoseSettings(sql: Sql): Promise<Finding[]> {
  const [row] = await sql.query<Settings>(`
    SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS version_number,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('full_page_writes') AS full_page_writes, current_setting('autovacuum') AS autovacuum,
      current_setting('track_counts') AS track_counts, current_setting('wal_level') AS wal_level,
      current_setting('server_encoding') AS encoding,
      current_setting('default_transaction_read_only')::boolean AS is_read_only,
      pg_is_in_recovery() AS is_standby, clock_timestamp() AS clock`);
  return row
    ? [diagnoseVersion(row), ...diagnoseDurability(row), ...diagnoseWrites(row), ...diagnoseClock(row)]
    : [];
}

function diagnoseVersion({ version, version_number }: Settings): Finding {
  return Math.floor(Number(version_number) / 10_000) < oldestMajor
    ? problem(`version ${version} is too old`, `use PostgreSQL ${oldestMajor} or newer`)
    : ok(`reachable, version ${version}`);
}

function diagnoseDurability(settings: Settings): Finding[] {
  const findings: Finding[] = [];
  for (const name of ['fsync', 'full_page_writes'] as const) {
    if (settings[name] === 'on') continue;
    const what = `${name} = ${settings[name]}: a power cut can lose or corrupt committed purchases`;
    findings.push(problem(what, `set ${name} = on`));
  }
  if (settings.synchronous_commit === 'off') {
    const what = 'synchronous_commit = off: purchases answered in the last moments before a crash are lost';
    findings.push(problem(what, 'set synchronous_commit = on'));
  }
  if (findings.length === 0) {
    const settled = `synchronous_commit = ${settings.synchronous_commit}`;
    findings.push(ok(`fsync and full_page_writes are on, ${settled}: a power cut loses no commit`));
  }
  if (settings.wal_level === 'minimal') {
    const what = 'wal_level = minimal: standbys and WAL backups are impossible';
    findings.push(warning(what, 'set wal_level = replica'));
  }
  return findings;
}

function diagnoseWrites({
  is_standby,
  is_read_only,
  encoding,
  autovacuum,
  track_counts,
}: Settings): Finding[] {
  const findings: Finding[] = [];
  if (is_standby) findings.push(problem('this is a read-only standby', 'point to the primary'));
  else if (is_read_only) {
    const what = 'default_transaction_read_only = on for this database or role: nothing can be written';
    findings.push(problem(what, 'free disk space if a provider has set it, then ALTER DATABASE … RESET it'));
  }
  if (encoding !== 'UTF8') {
    const what = `the database has encoding ${encoding}: names and ids with other characters are refused`;
    findings.push(problem(what, "create the database with ENCODING 'UTF8'"));
  }
  for (const [name, value] of Object.entries({ autovacuum, track_counts })) {
    if (value === 'on') continue;
    const what = `${name} = ${value}: the outbox grows with every purchase, and transaction ids run out`;
    findings.push(problem(what, `set ${name} = on`));
  }
  return findings;
}

function diagnoseClock({ clock }: Settings): Finding[] {
  const skewMs = Math.abs(clock.getTime() - Date.now());
  if (skewMs <= 1_000) return [];
  const what = `the clocks of the server and this machine differ by ${Math.round(skewMs)} ms`;
  return [warning(what, "run NTP on both: webhook timestamps are checked against this machine's clock")];
}
