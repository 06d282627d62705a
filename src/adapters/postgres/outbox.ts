import { type Outbox, type OutboxBatch, retry, type Verdict } from '../../core/outbox/outbox.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { type Database, numberArray, type Sql, type Statement } from '../../lib/sql.ts';
import { applyVerdicts } from './apply-verdicts.ts';
import { createWaitingCounter } from './count-waiting.ts';

interface OutboxOptions {
  /** The server ends a claim that is idle for longer, so a paused process does not keep its batches. */
  claimTimeoutMs: number;
}

/**
 * The row lock is the claim: there is no lease to time out, and the batches of a process that dies are free
 * immediately.
 */
export function postgresOutbox(database: Database, { claimTimeoutMs }: OutboxOptions): Outbox {
  return outboxOn(database, (maxBatches, work) =>
    database.transaction((sql) => claimOn(sql, selectDueAndLock, maxBatches, work), {
      // If this commit is lost, the same messages are only sent again.
      asynchronousCommit: true,
      keepsPlans: true,
      idleTimeoutMs: claimTimeoutMs,
    }),
  );
}

/**
 * For a database with one process and one session, which must stay free while messages are published.
 * Claims take no lock; they wait for each other instead, such as a lane's claim and the drain at a stop.
 */
export function unlockedOutbox(database: Database): Outbox {
  const finish = (verdicts: Verdict[]) => database.transaction((sql) => applyVerdicts(sql, verdicts));
  const outbox = outboxOn(database, (maxBatches, work) =>
    claimOn(database, selectDue, maxBatches, work, finish),
  );
  return { ...outbox, claim: oneAtATime(outbox.claim) };
}

type Work = Parameters<Outbox['claim']>[1];

function outboxOn(database: Database, claim: Outbox['claim']): Outbox {
  return {
    async claim(maxBatches, work) {
      let lent: OutboxBatch[] = [];
      try {
        return await claim(maxBatches, (batches) => {
          lent = batches;
          return work(batches);
        });
      } catch (error) {
        await postpone(database, lent, error).catch(() => {});
        throw error;
      }
    },
    async retryInterrupted() {
      await database.query('UPDATE outbox SET due_at = now() WHERE due_at > now() AND interruptions > 0');
    },
    countWaiting: createWaitingCounter(database),
  };
}

async function claimOn(
  sql: Sql,
  select: Statement,
  maxBatches: number,
  work: Work,
  finish: (verdicts: Verdict[]) => Promise<void> = (verdicts) => applyVerdicts(sql, verdicts),
): Promise<number> {
  const batches = await sql.query<OutboxBatch>(select, [maxBatches]);
  if (batches.length === 0) return 0;
  const verdicts = await work(batches);
  await finish(verdicts);
  failpoint('after-delete');
  return batches.length;
}

/**
 * The failure may be caused by one of the batches, though mostly it is the transport: each batch waits for
 * a random time, so that it is claimed with different ones.
 */
async function postpone(sql: Sql, batches: readonly OutboxBatch[], error: unknown): Promise<void> {
  if (batches.length === 0) return;
  const waits = batches.map(({ interruptions }) => Math.round(backoffMs(interruptions + 1, retry)));
  await sql.query(
    `UPDATE outbox SET interruptions = interruptions + 1, last_error = $3,
       due_at = now() + make_interval(secs => wait_ms / 1000.0)
     FROM unnest($1::bigint[], $2::int[]) AS late (id, wait_ms) WHERE outbox.id = late.id`,
    [`{${batches.map(({ id }) => id).join(',')}}`, numberArray(waits), String(error)],
  );
}

/**
 * No batch is delayed for more than a minute, so a later due_at was written by a clock that has been set
 * back since.
 */
const due = `SELECT id::text AS id, kind, events, attempts, interruptions, batch AS bytes, created_at AS "createdAt"
FROM outbox WHERE (due_at <= now() OR due_at > now() + interval '1 minute') ORDER BY outbox.id LIMIT $1`;
const selectDue: Statement = { name: 'weir-outbox-due', text: due };
const selectDueAndLock: Statement = {
  name: 'weir-outbox-claim',
  text: `${due} FOR UPDATE SKIP LOCKED`,
};
