import { type JobLease, JobStopped } from '../../core/parked/parked-job.ts';
import type { WeirError } from '../../errors.ts';
import type { Sql } from '../../lib/sql.ts';
import { toText } from './to-text.ts';

/**
 * Holds the job for the commit of one item: until then it is neither aborted nor taken over, and afterwards the item is
 * counted. Items of one job share the lock.
 *
 * @throws JobStopped
 */
export async function holdJob(sql: Sql, lease: JobLease): Promise<void> {
  const rows = await sql.query(
    `SELECT 1 FROM parked_jobs WHERE id = $1 AND epoch = $2 AND state = 'RUNNING' FOR SHARE`,
    [lease.jobId, lease.epoch],
  );
  if (rows.length === 0) throw new JobStopped(lease);
}

/** In the commit that resolves the item. */
export async function noteJobItem(sql: Sql, { jobId }: JobLease, itemId: string): Promise<void> {
  await sql.query(
    `INSERT INTO parked_job_items (job_id, item_id) VALUES ($1, $2)
     ON CONFLICT (job_id, item_id) DO UPDATE SET code = NULL, params = '{}', detail = ''`,
    [jobId, itemId],
  );
}

/** Records why an item stays parked. */
export async function noteFailedJobItem(
  sql: Sql,
  { jobId }: JobLease,
  itemId: string,
  { code, message, params }: WeirError,
): Promise<void> {
  const texts = Object.entries(params).map(([name, text]) => [name, toText(text)]);
  await sql.query(
    `INSERT INTO parked_job_items (job_id, item_id, code, params, detail) VALUES ($1, $2, $3, $4::jsonb, $5)
     ON CONFLICT (job_id, item_id)
       DO UPDATE SET code = excluded.code, params = excluded.params, detail = excluded.detail`,
    [jobId, itemId, code, JSON.stringify(Object.fromEntries(texts)), toText(message)],
  );
}

export interface Handled {
  /** Ids of the items that were resolved, in order. */
  done: string[];
  failed: number;
}

/**
 * Takes the items above `afterItem` up to `upTo` off the book: the caller counts them in the same commit, with the row of the
 * job locked. Those that failed stay for the results.
 */
export async function takeHandled(
  sql: Sql,
  jobId: string,
  afterItem: string,
  upTo: string | undefined,
): Promise<Handled> {
  const range = [jobId, afterItem, upTo ?? '9223372036854775807'];
  const done = await sql.query<{ id: string }>(
    `WITH gone AS (
       DELETE FROM parked_job_items WHERE job_id = $1 AND item_id > $2 AND item_id <= $3 AND code IS NULL
       RETURNING item_id)
     SELECT item_id::text AS id FROM gone ORDER BY item_id`,
    range,
  );
  const [left] = await sql.query<{ failed: number }>(
    `SELECT count(*)::int AS failed FROM parked_job_items
     WHERE job_id = $1 AND item_id > $2 AND item_id <= $3 AND code IS NOT NULL`,
    range,
  );
  return { done: done.map(({ id }) => id), failed: left?.failed ?? 0 };
}
