import type { Sql } from '../../lib/sql.ts';

/** Only the owner of a table may; then the server's own vacuum does it, later. */
const insufficientPrivilege = '42501';

/**
 * Updates the block range indexes of instance_logs for the pages that were filled since. A server does so by itself
 * once a minute, for 256 ranges at most, which a flood fills in seconds; an embedded one never does.
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
