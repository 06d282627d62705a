import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { warning } from './finding.ts';

interface Moved {
  name: string;
  recorded: string;
  actual: string;
}

/** Indexes built under another version of the C library or ICU may miss rows and accept duplicate keys. */
export async function diagnoseCollations(sql: Sql): Promise<Finding[]> {
  const [server] = await sql.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  const ofDatabase = (server?.major ?? 0) >= 15 ? await sql.query<Moved>(movedDatabase) : [];
  const others = await sql.query<Moved>(movedCollations);
  return [...ofDatabase, ...others].map(({ name, recorded, actual }) =>
    warning(
      `${name} had version ${recorded} when its indexes were built and now has ${actual}: text indexes may be wrong`,
      "REINDEX the indexes of other programs, then ALTER … REFRESH COLLATION VERSION; Weir's own keys sort by bytes",
    ),
  );
}

const movedDatabase = `
  SELECT 'the collation of database ' || datname AS name, datcollversion AS recorded,
    pg_database_collation_actual_version(oid) AS actual
  FROM pg_database WHERE datname = current_database() AND datcollversion IS NOT NULL
    AND datcollversion IS DISTINCT FROM coalesce(pg_database_collation_actual_version(oid), datcollversion)`;

/** Only collations that an index uses: a server provides hundreds that none does. */
const movedCollations = `
  SELECT 'collation ' || collname AS name, collversion AS recorded, pg_collation_actual_version(oid) AS actual
  FROM pg_collation WHERE collversion IS NOT NULL
    AND collversion IS DISTINCT FROM coalesce(pg_collation_actual_version(oid), collversion)
    AND EXISTS (SELECT 1 FROM pg_index WHERE pg_collation.oid = ANY (indcollation))`;
