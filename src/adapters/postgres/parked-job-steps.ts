import type { Actor } from '../../core/actor.ts';
import {
  type JobAction,
  type JobFilter,
  type JobLease,
  type JobStep,
  JobStopped,
} from '../../core/parked/parked-job.ts';
import type { JobItem, JobStepRows, StepEnd, StepResult } from '../../core/parked/parked-job-runner.ts';
import type { WeirError } from '../../errors.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { describeJobEnd, describeJobItems } from '../../ops/activity/job-activity.ts';
import { recordActivity } from './activity.ts';
import { type Handled, holdJob, noteFailedJobItem, takeHandled } from './parked-job-items.ts';
import { countMatched, matches } from './parked-matches.ts';
import { planByIndex } from './plan-by-index.ts';
import { toText } from './to-text.ts';

interface StepRow {
  jobId: string;
  epoch: string;
  action: JobAction;
  filter: JobFilter;
  note: string | null;
  name: string;
  keyId: string | null;
  via: Actor['via'];
  requestId: string | null;
  createdAt: Date;
  afterItem: string;
  lastItem: string;
  isCounted: boolean;
}

const columns = `parked_jobs.id::text AS "jobId", epoch::text, action, filter, note, actor AS name, key_id::text AS "keyId", via,
  request_id AS "requestId", created_at AS "createdAt", after_item::text AS "afterItem", last_item::text AS "lastItem",
  matched IS NOT NULL OR after_item > 0 AS "isCounted"`;

/** Of the first step only: a count that takes longer is not known until the end. */
const countBudgetMs = 10_000;

const lease = (parameter: string) => `clock_timestamp() + make_interval(secs => ${parameter} / 1000.0)`;

/** The steps of jobs, for the processes that run them. */
export function postgresJobSteps(database: Database): JobStepRows {
  return {
    claimStep: (leaseMs) => claimStep(database, leaseMs),
    async renewStep({ jobId, epoch }, leaseMs) {
      const rows = await database.query(
        `UPDATE parked_jobs SET leased_until = ${lease('$3')}
         -- Not of a step that has ended meanwhile: nothing would give it back.
         WHERE id = $1 AND epoch = $2 AND state = 'RUNNING' AND leased_until > '-infinity' RETURNING 1`,
        [jobId, epoch, leaseMs],
      );
      return rows.length > 0;
    },
    async releaseStep({ jobId, epoch }) {
      // Another job is next: this one may fail again.
      await database.query(
        `UPDATE parked_jobs SET leased_until = '-infinity', stepped_at = clock_timestamp()
         WHERE id = $1 AND epoch = $2 AND state = 'RUNNING'`,
        [jobId, epoch],
      );
    },
    async countItems(step) {
      const matched = await countMatched(database, step.filter, countBudgetMs);
      if (matched === undefined) return;
      await database.query('UPDATE parked_jobs SET matched = $2 WHERE id = $1', [step.jobId, matched]);
    },
    findItems: (step, limit) => database.transaction((sql) => findItems(sql, step, limit)),
    discardItems: (step, ids, end) =>
      database.transaction(async (sql) => {
        const afterItem = await lockJob(sql, step);
        return finishStep(sql, step, end, { done: await discard(sql, step, ids), failed: 0 }, afterItem);
      }),
    noteFailed: (step, itemId, error) => database.transaction((sql) => noteFailed(sql, step, itemId, error)),
    endStep: (step, end) =>
      database.transaction(async (sql) => {
        const afterItem = await lockJob(sql, step);
        const handled = await takeHandled(sql, step.jobId, afterItem, end.upTo);
        return finishStep(sql, step, end, handled, afterItem);
      }),
  };
}

async function claimStep(sql: Sql, leaseMs: number): Promise<JobStep | undefined> {
  const [row] = await sql.query<StepRow>(
    `WITH next AS (
       SELECT id FROM parked_jobs WHERE state = 'RUNNING' AND leased_until <= clock_timestamp()
       ORDER BY stepped_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
     UPDATE parked_jobs SET epoch = epoch + 1, leased_until = ${lease('$1')}
     FROM next WHERE parked_jobs.id = next.id RETURNING ${columns}`,
    [leaseMs],
  );
  if (!row) return undefined;
  const { name, keyId, via, requestId, note, ...step } = row;
  const actor = { name, keyId: keyId ?? undefined, via, requestId: requestId ?? undefined };
  return { ...step, note: note ?? undefined, actor };
}

/** @throws JobStopped @returns up to where it is counted */
async function lockJob(sql: Sql, held: JobLease): Promise<string> {
  const [row] = await sql.query<{ afterItem: string }>(
    `SELECT after_item::text AS "afterItem" FROM parked_jobs
     WHERE id = $1 AND epoch = $2 AND state = 'RUNNING' FOR UPDATE`,
    [held.jobId, held.epoch],
  );
  if (!row) throw new JobStopped(held);
  return row.afterItem;
}

async function findItems(sql: Sql, step: JobStep, limit: number): Promise<JobItem[]> {
  const values: unknown[] = [step.afterItem, step.lastItem, step.createdAt, step.jobId, limit];
  // Down the index of what is parked; without fresh statistics the planner would read all of it for each step.
  await planByIndex(sql, ['seqscan', 'bitmapscan', 'sort']);
  return sql.query<JobItem>(
    `SELECT id::text, octet_length(original) AS bytes FROM parked WHERE state = 'PARKED' AND id > $1 AND id <= $2 AND parked_at <= $3
       ${matches(step.filter, values)}
       -- What failed in a step that broke off is not tried again.
       AND NOT EXISTS (SELECT 1 FROM parked_job_items WHERE job_id = $4 AND item_id = parked.id)
     ORDER BY parked.id LIMIT $5`,
    values,
  );
}

/** As the discard of each by hand (parked.ts), in one statement. */
async function discard(sql: Sql, step: JobStep, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const rows = await sql.query<{ id: string }>(
    `WITH resolved AS (
       UPDATE parked SET state = 'DISCARDED', resolved_at = now(), resolved_by = $2, resolution = 'NOTE',
         resolution_params = $3::jsonb, job_id = $4
       WHERE id = ANY ($1::bigint[]) AND state = 'PARKED' RETURNING id, origin, scope, source_id
     ), payment AS (
       UPDATE payments SET outcome = 'DISCARDED' FROM resolved
       WHERE origin = 'PAYMENT' AND order_id = resolved.source_id AND payment_key = resolved.scope AND outcome = 'PARKED'
     ), unit AS (
       UPDATE compensations SET status = 'DONE', outcome = 'NO_SALE', done_at = clock_timestamp() FROM resolved
       WHERE origin = 'COMPENSATION' AND kind = 'RESTOCK' AND status = 'REQUESTED' AND source = 'SECKILL'
         AND compensations.scope = resolved.scope AND compensations.source_id = resolved.source_id
     ) SELECT id::text FROM resolved ORDER BY resolved.id`,
    [
      numberArray(ids.map(BigInt)),
      step.actor.name,
      JSON.stringify({ note: toText(step.note ?? '') }),
      step.jobId,
    ],
  );
  return rows.map(({ id }) => id);
}

async function noteFailed(sql: Sql, step: JobStep, itemId: string, error: WeirError): Promise<void> {
  await holdJob(sql, step);
  await noteFailedJobItem(sql, step, itemId, error);
}

/** Counts, names and ends the step; the row of the job is locked. */
async function finishStep(
  sql: Sql,
  { jobId, action, actor }: JobStep,
  { upTo, isLast }: StepEnd,
  { done, failed }: Handled,
  afterItem: string,
): Promise<StepResult> {
  const [counted] = await sql.query<{ done: string; failed: string; matched: string }>(
    `UPDATE parked_jobs SET after_item = greatest($2::bigint, $5::bigint), done = done + $3, failed = failed + $4,
       leased_until = '-infinity', stepped_at = clock_timestamp(),
       matched = CASE WHEN $6 THEN greatest(coalesce(matched, 0), done + $3 + failed + $4) ELSE matched END,
       state = CASE WHEN $6 THEN 'DONE' ELSE state END, ended_at = CASE WHEN $6 THEN now() ELSE ended_at END
     WHERE id = $1 RETURNING done::text, failed::text, matched::text`,
    [jobId, upTo, done.length, failed, afterItem, isLast],
  );
  if (done.length > 0) await recordActivity(sql, actor, describeJobItems(jobId, action, done));
  if (isLast && counted) await recordActivity(sql, actor, describeJobEnd(jobId, 'PARKED_JOB_ENDED', counted));
  return { done: done.length, failed };
}
