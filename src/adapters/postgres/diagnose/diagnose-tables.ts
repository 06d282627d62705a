import type { Finding } from '../../../lib/finding.ts';
import { type Sql, textArray } from '../../../lib/sql.ts';
import { readTableNames } from '../migrate.ts';
import { problem } from './finding.ts';

interface Fault {
  fault: string;
  names: string;
}

/**
 * Faults that a restore, a manual change or another program may have left in the tables; each of them breaks
 * a promise silently.
 */
export async function diagnoseTables(sql: Sql): Promise<Finding[]> {
  const faults = await sql.query<Fault>(findFaults, [textArray(await readTableNames())]);
  return faults.map(({ fault, names }) => {
    const [what, advice] = meanings[fault] as readonly [string, string];
    return problem(`${what}: ${names}`, advice);
  });
}

const meanings: Readonly<Record<string, readonly [string, string]>> = {
  invalid: ['an index is not valid, so it may accept duplicate keys', 'REINDEX INDEX it'],
  collated: [
    'an index sorts by a language, so it may accept duplicate keys after a system upgrade',
    'run weir migrate, which makes it sort by bytes',
  ],
  unlogged: ['a table is unlogged, so a crash empties it', 'ALTER TABLE … SET LOGGED'],
  triggers: [
    'a trigger is disabled, so invalid changes of status are not rejected',
    'ALTER TABLE … ENABLE TRIGGER ALL',
  ],
  secured: [
    'row level security hides rows from this role',
    'ALTER ROLE … BYPASSRLS, or disable it on the tables',
  ],
  unguarded: [
    'the unique key of purchases is missing',
    'restore instance_logs with its constraints; then weir audit --full',
  ],
};

const findFaults = `
  WITH own AS (
    SELECT oid, relname, relpersistence FROM pg_class
    WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname = ANY ($1::text[])
  ), found AS (
    SELECT 'invalid' AS fault, indexrelid::regclass::text AS name FROM pg_index JOIN own ON oid = indrelid
      WHERE NOT (indisvalid AND indisready)
    UNION ALL SELECT DISTINCT 'collated', indexrelid::regclass::text FROM pg_index JOIN own ON oid = indrelid
      JOIN pg_attribute AS keys ON keys.attrelid = indexrelid
      JOIN pg_collation ON pg_collation.oid = keys.attcollation AND collname NOT IN ('C', 'POSIX')
    UNION ALL SELECT 'unlogged', relname FROM own WHERE relpersistence <> 'p'
    UNION ALL SELECT 'triggers', tgname || ' on ' || relname FROM pg_trigger JOIN own ON own.oid = tgrelid
      WHERE tgenabled IN ('D', 'R')
    UNION ALL SELECT 'secured', relname FROM own WHERE row_security_active(oid)
    UNION ALL SELECT 'unguarded', 'instance_logs (source, source_id, scope)' WHERE NOT EXISTS (
      SELECT 1 FROM pg_index JOIN own ON own.oid = indrelid AND relname = 'instance_logs'
      WHERE indisunique AND indpred IS NULL AND indnkeyatts = 3 AND ARRAY['source', 'source_id', 'scope']::name[] @> ARRAY(
        SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey)))
  )
  SELECT fault, string_agg(name, ', ' ORDER BY name) AS names FROM found GROUP BY fault ORDER BY fault`;
