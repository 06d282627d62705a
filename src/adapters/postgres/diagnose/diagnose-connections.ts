import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { type DiagnosisSettings, problem, warning } from './finding.ts';

interface Room {
  /** Connections available to a role without privileges. */
  at_most: number;
  role_limit: number;
  database_limit: number;
  /** Connections of programs other than Weir. */
  used_by_others: number;
}

/** Whether the server has room for the connections of one process, and of a second process. */
export async function diagnoseConnections(sql: Sql, { connections }: DiagnosisSettings): Promise<Finding[]> {
  const [row] = await sql.query<Room>(`
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true)::int, 0) AS at_most,
      (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS role_limit,
      (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit,
      (SELECT count(*)::int FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND application_name <> 'weir') AS used_by_others`);
  if (!row) return [];
  const limits: [string, number][] = [
    ['max_connections', row.at_most],
    ['the CONNECTION LIMIT of the role', row.role_limit],
    ['the CONNECTION LIMIT of the database', row.database_limit],
  ];
  const tooSmall = limits.filter(([, limit]) => limit >= 0 && limit < connections);
  const opens = `each process opens up to ${connections} connections`;
  if (tooSmall.length > 0) {
    const what = tooSmall.map(([name, limit]) => `${name} leaves ${limit}`).join(', ');
    return [problem(`${opens}, and ${what}`, 'raise it, or lower data.database.maxConnections')];
  }
  const free = Math.min(...limits.map(([, limit]) => (limit < 0 ? row.at_most : limit))) - row.used_by_others;
  if (free >= 2 * connections) return [];
  const what = `${opens}, and ${Math.max(0, free)} are free: a second process finds too few`;
  return [warning(what, 'raise max_connections, or lower data.database.maxConnections of every process')];
}
