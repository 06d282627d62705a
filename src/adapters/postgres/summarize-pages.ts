import type { Sql } from '../../lib/sql.ts';
import { insufficientPrivilege } from './sqlstates.ts';

/** Only the owner of the table has the right; for other roles the server's vacuum does it later. */

/**
 * Updates the block range indexes of instance_logs for pages filled since the last call. The server does
 * this itself once a minute, for at most 256 ranges, which a flash sale fills in seconds; an embedded
 * database never does.
 *
 * @returns 0: there is nothing more to do
 */
export async function summarizePages(sql: Sql): Promise<number> {
  try {
    for (const index of ['instance_logs_created_at', 'instance_logs_bought']) {
      await sql.query('SELECT brin_summarize_new_values($1::regclass)', [index]);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === insufficientPrivilege)) throw error;
  }
  return 0;
}
