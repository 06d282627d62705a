import { type JobLease, JobStopped } from '../../core/parked/parked-job.ts';
import type { ParkedRows, Resolution } from '../../core/parked/replay.ts';
import { gather } from '../../lib/gather.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { postgresParked, toJson } from './parked.ts';
import { holdJob } from './parked-job-items.ts';
import { findParked } from './parked-queries.ts';

const itemsPerCommit = 100;

/** For a job, which handles many items at a time: those of one moment share a query, and a commit that resolves them. */
export function postgresParkedOfJobs(database: Database): ParkedRows {
  const rows = postgresParked(database);
  const options = { maxItems: itemsPerCommit, maxInFlight: 1 };
  const find = gather(async (ids: string[]) => {
    const found = new Map((await findParked(database, ids)).map((item) => [item.id, item]));
    return ids.map((id) => found.get(id));
  }, options);
  const resolve = gather((items: Item[]) => resolveTogether(database, rows, items), options);
  return {
    ...rows,
    findParked: find,
    async resolveParked(id, resolution) {
      const outcome = await resolve({ id, resolution });
      if (typeof outcome === 'boolean') return outcome;
      throw outcome.error;
    },
  };
}

interface Item {
  id: string;
  resolution: Resolution;
}

type Outcome = boolean | { error: unknown };

/** When that fails each is tried by itself, so that none fails for the sake of another. */
async function resolveTogether(database: Database, rows: ParkedRows, items: Item[]): Promise<Outcome[]> {
  const job = items[0]?.resolution.job;
  const isOfOne = items.every(({ resolution }) => resolution.job === job);
  if (job && isOfOne && items.length > 1) {
    try {
      const resolved = await database.transaction((sql) => resolveItems(sql, job, items));
      return items.map(({ id }) => resolved.has(id));
    } catch (error) {
      if (error instanceof JobStopped) return items.map(() => ({ error }));
    }
  }
  const outcomes: Outcome[] = [];
  for (const { id, resolution } of items) {
    outcomes.push(await rows.resolveParked(id, resolution).catch((error: unknown) => ({ error })));
  }
  return outcomes;
}

/** Resolves many as resolveParked() does one. @returns the ids of those that were still parked */
async function resolveItems(sql: Sql, job: JobLease, items: readonly Item[]): Promise<ReadonlySet<string>> {
  await holdJob(sql, job);
  const rows = await sql.query<{ id: string }>(
    `WITH given AS (
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::jsonb[], $4::text[]) AS given (id, code, params, instance)
     ), resolved AS (
       UPDATE parked SET state = 'REPLAYED', resolved_at = now(), resolved_by = $5, resolution = given.code,
         resolution_params = given.params, instance_id = coalesce(nullif(given.instance, '')::bigint, instance_id), job_id = $6
       FROM given WHERE parked.id = given.id AND state = 'PARKED'
       RETURNING parked.id, origin, scope, source_id, given.instance
     ), payment AS (
       UPDATE payments SET outcome = 'INSTANCE' FROM resolved
       WHERE origin = 'PAYMENT' AND order_id = source_id AND payment_key = resolved.scope AND outcome = 'PARKED'
         AND instance <> ''
     ), noted AS (
       INSERT INTO parked_job_items (job_id, item_id) SELECT $6, id FROM resolved
       ON CONFLICT (job_id, item_id) DO UPDATE SET code = NULL, params = '{}', detail = ''
     ) SELECT id::text FROM resolved`,
    [
      numberArray(items.map(({ id }) => BigInt(id))),
      textArray(items.map(({ resolution }) => resolution.statement.code)),
      textArray(items.map(({ resolution }) => toJson(resolution.statement.params))),
      textArray(items.map(({ resolution }) => resolution.instanceId ?? '')),
      ...[items[0]?.resolution.actor.name, job.jobId],
    ],
  );
  return new Set(rows.map(({ id }) => id));
}
