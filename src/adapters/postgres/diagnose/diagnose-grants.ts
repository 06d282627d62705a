import type { Finding } from '../../../lib/finding.ts';
import { type Sql, textArray } from '../../../lib/sql.ts';
import { readTableNames } from '../migrate.ts';
import { type DiagnosisSettings, problem, warning } from './finding.ts';

const maxNamed = 5;

/** The grants that docs/stores.md lists under "Roles and grants". */
export async function diagnoseGrants(sql: Sql, { isMigrated }: DiagnosisSettings): Promise<Finding[]> {
  const rows = await sql.query<{
    name: string;
    missing: string[];
    is_owner: boolean;
    user: string;
    schema: string;
  }>(
    `SELECT relname::text AS name, current_user::text AS user, current_schema()::text AS schema,
       ARRAY(SELECT privilege FROM unnest(CASE relkind WHEN 'S' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
           ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS privilege
         WHERE NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(pg_class.oid, privilege)
           ELSE has_table_privilege(pg_class.oid, privilege) END) AS missing,
       pg_has_role(relowner, 'USAGE') AS is_owner
     FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema())) AND relkind IN ('r', 'S')
       AND (relname = ANY ($1::text[]) OR EXISTS (SELECT 1 FROM pg_depend JOIN pg_class AS tables ON tables.oid = refobjid
         WHERE objid = pg_class.oid AND deptype IN ('a', 'i') AND tables.relname = ANY ($1::text[])))
     ORDER BY relname`,
    [textArray([...(await readTableNames()), 'schema_migrations'])],
  );
  const [first] = rows;
  if (!first) return [];
  const lacking = rows.filter(({ missing }) => missing.length > 0);
  const findings: Finding[] = [];
  if (lacking.length > 0) {
    const list = lacking.slice(0, maxNamed).map(({ name, missing }) => `${missing.join(', ')} on ${name}`);
    const more = lacking.length > maxNamed ? ` and on ${lacking.length - maxNamed} more` : '';
    const advice = `run the grants of docs/stores.md (Roles and grants) for ${first.user} in schema ${first.schema}`;
    findings.push(problem(`role ${first.user} lacks ${list.join('; ')}${more}`, advice));
  }
  if (isMigrated && rows.some(({ is_owner }) => !is_owner)) {
    const what = `role ${first.user} does not own every table: the next migration fails`;
    findings.push(warning(what, 'set data.database.migrate: false, and run weir migrate as the owner'));
  }
  return findings;
}
