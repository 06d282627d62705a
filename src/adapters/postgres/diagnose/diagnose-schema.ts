import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { readNewestVersion, readSchemaVersion } from '../migrate.ts';
import { TableInTheWayError } from '../schema-errors.ts';
import { insufficientPrivilege } from '../sqlstates.ts';
import { sqlStateOf } from '../transient.ts';
import { type DiagnosisSettings, problem, warning } from './finding.ts';

/** Whether Weir's tables exist in this program's version, or can be created. */
export async function diagnoseSchema(
  sql: Sql,
  settings: DiagnosisSettings,
): Promise<{ findings: Finding[]; hasTables: boolean }> {
  try {
    const current = await readSchemaVersion(sql);
    const newest = await readNewestVersion();
    if (current === newest) return { findings: [], hasTables: true };
    if (current !== undefined && current > newest) {
      const what = `the schema has version ${current}; this program supports up to ${newest}`;
      return { findings: [problem(what, 'start the newer Weir that created it')], hasTables: true };
    }
    return {
      findings: await diagnoseMissing(sql, current, newest, settings),
      hasTables: current !== undefined,
    };
  } catch (error) {
    // The version cannot be read; diagnoseGrants reports what is missing.
    if (sqlStateOf(error) === insufficientPrivilege) return { findings: [], hasTables: true };
    if (!(error instanceof TableInTheWayError)) throw error;
    const [what = '', advice = ''] = error.message.split('; ');
    return { findings: [problem(what, advice)], hasTables: false };
  }
}

interface Rights {
  /** The schema that tables are created in. */
  path: string | null;
  may_use: boolean;
  may_make: boolean;
  user: string;
  /** The schema, if it exists, whether or not the role may use it. */
  closed: string | null;
}

async function diagnoseMissing(
  sql: Sql,
  current: number | undefined,
  newest: number,
  { isMigrated, schema }: DiagnosisSettings,
): Promise<Finding[]> {
  const what =
    current === undefined ? 'the schema is missing' : `the schema has version ${current} of ${newest}`;
  const [row] = await sql.query<Rights>(
    `SELECT current_schema() AS path, current_user AS user,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE) AS may_use,
       has_database_privilege(current_database(), 'CREATE') AS may_make,
       (SELECT nspname FROM pg_namespace WHERE nspname = $1::text) AS closed`,
    [schema === '' ? 'public' : schema],
  );
  if (row?.path === null && row.closed !== null) {
    const advice = `GRANT USAGE ON SCHEMA ${row.closed} TO ${row.user}`;
    return [problem(`role ${row.user} may not use schema ${row.closed}`, advice)];
  }
  if (!isMigrated) return [problem(what, 'run weir migrate as the owner of the schema')];
  if (row?.path === null && schema !== '' && row.may_make)
    return [warning(what, 'the next start creates it')];
  if (row?.path === null) {
    const place =
      schema === '' ? 'the search_path names no schema that exists' : `schema ${schema} does not exist`;
    return [problem(`${what}, and ${place}`, `CREATE SCHEMA ${schema || 'weir'} AUTHORIZATION ${row.user}`)];
  }
  if (row?.may_use) return [warning(what, 'the next start brings it up to date; weir migrate does it now')];
  const advice = `GRANT CREATE ON SCHEMA ${row?.path} TO ${row?.user}, or run weir migrate as its owner and set data.database.migrate: false`;
  return [problem(`${what}, and role ${row?.user} may not create tables in schema ${row?.path}`, advice)];
}
