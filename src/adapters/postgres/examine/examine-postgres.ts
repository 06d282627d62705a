import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { openPostgresServer } from '../server.ts';
import { examineCollations } from './examine-collations.ts';
import { examineConnections } from './examine-connections.ts';
import { examineGrants } from './examine-grants.ts';
import { examinePooler } from './examine-pooler.ts';
import { examineReplication } from './examine-replication.ts';
import { examineSchema } from './examine-schema.ts';
import { examineSequences } from './examine-sequences.ts';
import { examineSettings } from './examine-settings.ts';
import { examineTables } from './examine-tables.ts';
import { examineVacuum } from './examine-vacuum.ts';
import { explainFailure } from './explain-failure.ts';
import { type Examined, warning } from './finding.ts';

type Check = (sql: Sql, examined: Examined) => Promise<Finding[]>;

const checks: Readonly<Record<string, Check>> = {
  settings: examineSettings,
  connections: examineConnections,
  replication: examineReplication,
  vacuum: examineVacuum,
  collations: examineCollations,
};

/** Of Weir's own tables; they make sense only where there are some. */
const tableChecks: Readonly<Record<string, Check>> = {
  grants: examineGrants,
  tables: examineTables,
  sequences: examineSequences,
};

/** Reads only: whatever is missing stays missing. */
export async function examinePostgres(options: ConnectionOptions, examined: Examined): Promise<Finding[]> {
  let close = async (): Promise<void> => {};
  try {
    const database = openPostgresServer({ ...options, maxConnections: 1, onConnectionError() {} });
    close = database.close;
    await database.query('SELECT 1');
    const { findings, hasTables } = await examineSchema(database, examined);
    return [
      ...(await runChecks(checks, database, examined)),
      ...(await examinePooler(options)),
      ...findings,
      ...(hasTables ? await runChecks(tableChecks, database, examined) : []),
    ];
  } catch (error) {
    return [explainFailure(error as Error, examined.isMigrated)];
  } finally {
    await close();
  }
}

/** One check that the server refuses keeps none of the others from its findings. */
async function runChecks(
  named: Readonly<Record<string, Check>>,
  sql: Sql,
  examined: Examined,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(named)) {
    try {
      findings.push(...(await check(sql, examined)));
    } catch (error) {
      const advice = 'grant pg_monitor to the role, or run weir doctor as another';
      findings.push(warning(`cannot check ${name}: ${(error as Error).message}`, advice));
    }
  }
  return findings;
}
