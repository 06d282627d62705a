import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { openPostgresServer } from '../server.ts';
import { diagnoseCollations } from './diagnose-collations.ts';
import { diagnoseConnections } from './diagnose-connections.ts';
import { diagnoseGrants } from './diagnose-grants.ts';
import { diagnoseHosts } from './diagnose-hosts.ts';
import { diagnosePooler } from './diagnose-pooler.ts';
import { diagnoseReplication } from './diagnose-replication.ts';
import { diagnoseSchema } from './diagnose-schema.ts';
import { diagnoseSequences } from './diagnose-sequences.ts';
import { diagnoseSettings } from './diagnose-settings.ts';
import { diagnoseTables } from './diagnose-tables.ts';
import { diagnoseVacuum } from './diagnose-vacuum.ts';
import { explainFailure } from './explain-failure.ts';
import { type DiagnosisSettings, warning } from './finding.ts';

type Check = (sql: Sql, settings: DiagnosisSettings) => Promise<Finding[]>;

const checks: Readonly<Record<string, Check>> = {
  settings: diagnoseSettings,
  connections: diagnoseConnections,
  replication: diagnoseReplication,
  vacuum: diagnoseVacuum,
  collations: diagnoseCollations,
};

/** Checks of Weir's own tables, run only when there are any. */
const tableChecks: Readonly<Record<string, Check>> = {
  grants: diagnoseGrants,
  tables: diagnoseTables,
  sequences: diagnoseSequences,
};

/** Reads only; creates and changes nothing. */
export async function diagnosePostgres(
  options: ConnectionOptions,
  settings: DiagnosisSettings,
): Promise<Finding[]> {
  let close = async (): Promise<void> => {};
  const ofHosts = await diagnoseHosts(options);
  try {
    const database = openPostgresServer({ ...options, maxConnections: 1, onConnectionError() {} });
    close = database.close;
    await database.query('SELECT 1');
    const { findings, hasTables } = await diagnoseSchema(database, settings);
    return [
      ...ofHosts,
      ...(await runChecks(checks, database, settings)),
      ...(await diagnosePooler(options)),
      ...findings,
      ...(hasTables ? await runChecks(tableChecks, database, settings) : []),
    ];
  } catch (error) {
    return [...ofHosts, explainFailure(error as Error, settings.isMigrated)];
  } finally {
    await close();
  }
}

/** A check that the server refuses becomes a finding; the other checks still run. */
async function runChecks(
  named: Readonly<Record<string, Check>>,
  sql: Sql,
  settings: DiagnosisSettings,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(named)) {
    try {
      findings.push(...(await check(sql, settings)));
    } catch (error) {
      const advice = 'grant pg_monitor to the role, or run weir doctor as a role that has it';
      findings.push(warning(`cannot check ${name}: ${(error as Error).message}`, advice));
    }
  }
  return findings;
}
