import type { Actor } from '../../core/actor.ts';
import type {
  FailedItem,
  JobAction,
  JobFilter,
  JobState,
  NewParkedJob,
  ParkedJob,
} from '../../core/parked/parked-job.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { describeJobEnd, describeJobItems, describeJobStart } from '../../ops/activity/job-activity.ts';
import { recordActivity } from './activity.ts';
import { takeHandled } from './parked-job-items.ts';
import { countMatched } from './parked-matches.ts';
import { toText } from './to-text.ts';

/** Jobs over parked items, for operators. `reads`: for queries that change nothing. */
export function postgresParkedJobs(database: Database, reads: Database) {
  return {
    createJob: (job: NewParkedJob, actor: Actor) => createJob(database, job, actor),
    /** undefined: there is none. */
    findJob: async (id: string) => (await selectJobs(reads, 'WHERE parked_jobs.id = $1', [id]))[0],
    /** Newest first, below the job `cursor`. */
    listJobs: (state: JobState | undefined, limit: number, cursor: string | undefined) =>
      selectJobs(
        reads,
        `WHERE parked_jobs.id < $2 AND ($3::text IS NULL OR state = $3) ORDER BY parked_jobs.id DESC LIMIT $1`,
        [limit, cursor ?? '9223372036854775807', state ?? null],
      ),
    listFailed: (id: string, limit: number, cursor: string | undefined) =>
      listFailed(reads, id, limit, cursor),
    abortJob: (id: string, actor: Actor) => abortJob(database, id, actor),
  };
}

/** A count that takes longer than this is left to the process that runs the job. */
const countBudgetMs = 2_000;

/** One that matches nothing has ended at once. */
async function createJob(database: Database, job: NewParkedJob, actor: Actor): Promise<ParkedJob> {
  const { action, filter, note } = job;
  const matched = await countMatched(database, filter, countBudgetMs);
  return database.transaction(async (sql) => {
    const [row] = await sql.query<{ id: string }>(
      `INSERT INTO parked_jobs (action, filter, note, last_item, actor, key_id, via, request_id, matched, state, ended_at)
       VALUES ($1, $2::jsonb, $3, coalesce((SELECT max(id) FROM parked), 0), $4, $5, $6, $7, $8,
         CASE WHEN $8::bigint = 0 THEN 'DONE' ELSE 'RUNNING' END, CASE WHEN $8::bigint = 0 THEN now() END)
       RETURNING id::text`,
      [
        ...[action, JSON.stringify(filter), note === undefined ? null : toText(note)],
        ...[toText(actor.name), actor.keyId ?? null, actor.via, actor.requestId ?? null, matched ?? null],
      ],
    );
    const { id } = row as { id: string };
    await recordActivity(sql, actor, describeJobStart(id, job, matched));
    if (matched === 0) {
      await recordActivity(sql, actor, describeJobEnd(id, 'PARKED_JOB_ENDED', { done: '0', failed: '0' }));
    }
    return getJob(sql, id);
  });
}

interface JobRow {
  id: string;
  action: JobAction;
  filter: JobFilter;
  note: string | null;
  state: JobState;
  createdAt: Date;
  createdBy: string;
  matched: string | null;
  done: string;
  failed: string;
  endedAt: Date | null;
  endedBy: string | null;
}

/** With what the step that is under way has done so far. */
async function selectJobs(sql: Sql, rest: string, values: readonly unknown[]): Promise<ParkedJob[]> {
  const rows = await sql.query<JobRow>(
    `SELECT parked_jobs.id::text, action, filter, note, state, created_at AS "createdAt", actor AS "createdBy", matched::text,
       (done + step.resolved)::text AS done, (failed + step.refused)::text AS failed, ended_at AS "endedAt",
       ended_by AS "endedBy"
     FROM parked_jobs CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE code IS NULL) AS resolved, count(code) AS refused FROM parked_job_items
       WHERE state = 'RUNNING' AND job_id = parked_jobs.id AND item_id > after_item) AS step
     ${rest}`,
    values,
  );
  return rows.map(({ note, matched, done, failed, endedAt, endedBy, ...job }) => ({
    ...{ ...job, note: note ?? undefined, matched: matched === null ? undefined : Number(matched) },
    ...{ done: Number(done), failed: Number(failed) },
    ...{ endedAt: endedAt ?? undefined, endedBy: endedBy ?? undefined },
  }));
}

async function getJob(sql: Sql, id: string): Promise<ParkedJob> {
  const [job] = await selectJobs(sql, 'WHERE parked_jobs.id = $1', [id]);
  if (!job) throw new Error(`job ${id} is gone`);
  return job;
}

/** In order of id, above the item `cursor`. */
function listFailed(sql: Sql, id: string, limit: number, cursor: string | undefined): Promise<FailedItem[]> {
  return sql.query<FailedItem>(
    `SELECT item_id::text AS id, code, params, detail FROM parked_job_items
     WHERE job_id = $1 AND item_id > $2 AND code IS NOT NULL ORDER BY item_id LIMIT $3`,
    [id, cursor ?? '0', limit],
  );
}

/** After the commit no item is changed. @returns undefined when there is no such job; of one that had ended, as it ended */
function abortJob(database: Database, id: string, actor: Actor): Promise<ParkedJob | undefined> {
  return database.transaction(async (sql) => {
    // Waits for the items that are being committed, and keeps the next ones out.
    const [row] = await sql.query<StoppingRow>(
      `SELECT state, action, after_item::text AS "afterItem", actor AS name, key_id::text AS "keyId", via,
         request_id AS "requestId" FROM parked_jobs WHERE id = $1 FOR UPDATE`,
      [id],
    );
    if (!row) return undefined;
    if (row.state === 'RUNNING') await stop(sql, id, row, actor);
    return getJob(sql, id);
  });
}

interface StoppingRow {
  state: JobState;
  action: JobAction;
  afterItem: string;
  name: string;
  keyId: string | null;
  via: Actor['via'];
  requestId: string | null;
}

async function stop(sql: Sql, id: string, row: StoppingRow, actor: Actor): Promise<void> {
  const { action, afterItem, name, keyId, via, requestId } = row;
  const { done, failed } = await takeHandled(sql, id, afterItem, undefined);
  const [counts] = await sql.query<{ done: string; failed: string }>(
    `UPDATE parked_jobs SET state = 'ABORTED', ended_at = now(), ended_by = $2, done = done + $3, failed = failed + $4
     WHERE id = $1 RETURNING done::text, failed::text`,
    [id, toText(actor.name), done.length, failed],
  );
  const owner = { name, keyId: keyId ?? undefined, via, requestId: requestId ?? undefined };
  if (done.length > 0) await recordActivity(sql, owner, describeJobItems(id, action, done));
  if (counts) await recordActivity(sql, actor, describeJobEnd(id, 'PARKED_JOB_ABORTED', counts));
}
