import { decodeBatch, encodeMessage, type Message, usualType } from '../../core/outbox/outbox-batch.ts';
import {
  type BatchKind,
  type Outbox,
  type OutboxBatch,
  retry,
  type Verdict,
} from '../../core/outbox/relay.ts';
import { backoffMs } from '../../lib/backoff.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { type Database, numberArray, type Sql, type Statement, textArray } from '../../lib/sql.ts';
import { lastIssued } from './last-issued.ts';
import { parkItems } from './parked.ts';

export interface OutboxOptions {
  /** The server ends a claim that is idle for longer, so a paused process does not hold its batches. */
  claimTimeoutMs: number;
}

/** The row lock is the claim: there is no lease to time out, and the batches of a process that dies are free at once. */
export function postgresOutbox(database: Database, { claimTimeoutMs }: OutboxOptions): Outbox {
  return outboxOn(database, (maxBatches, work) =>
    database.transaction((sql) => claimOn(sql, selectDueAndLock, maxBatches, work), {
      // Losing this commit only means that the same messages are sent again.
      asynchronousCommit: true,
      idleTimeoutMs: claimTimeoutMs,
    }),
  );
}

/**
 * For a database that has one process and one session, which must not be held while messages are published: claims lock
 * nothing and wait for each other, such as those of a lane and of the drain at a stop.
 */
export function unlockedOutbox(database: Database): Outbox {
  const finish = (verdicts: Verdict[]) => database.transaction((sql) => carryOut(sql, verdicts));
  const outbox = outboxOn(database, (maxBatches, work) =>
    claimOn(database, selectDue, maxBatches, work, finish),
  );
  return { ...outbox, claim: oneAtATime(outbox.claim) };
}

type Work = Parameters<Outbox['claim']>[1];

function outboxOn(database: Database, claim: Outbox['claim']): Outbox {
  const marking = new Marking();
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
    async countWaiting() {
      const [row] = await database.query<{ waiting: string; newest: string }>(countAndMark, [marking.isDue]);
      const waiting = Number(row?.waiting ?? 0);
      marking.saw(waiting, row?.newest ?? '');
      return waiting;
    },
  };
}

/**
 * Leaves a mark while anything moves: how old the oldest batch was that had not been published. A mark a second shows of
 * every instance when it was published, without a write for each (src/postgres/timeline.ts).
 */
const countAndMark: Statement = {
  name: 'weir-outbox-count',
  text: `
WITH seen AS (
  SELECT coalesce(sum(events), 0) AS waiting, min(created_at) FILTER (WHERE kind = 'CREATED') AS since FROM outbox
), newest AS (
  SELECT ${lastIssued('outbox_id_seq')} AS id
), marked AS (
  INSERT INTO outbox_marks (at, waiting, waiting_since, published) SELECT now(), waiting, since,
    (SELECT coalesce(sum(events), 0) FROM published WHERE kind IN ('CREATED', 'AGAIN')) FROM seen
  WHERE $1::boolean ON CONFLICT DO NOTHING
)
SELECT waiting::text, newest.id::text AS newest FROM seen, newest`,
};

/** A few marks more after all is quiet: one counts only for what was committed a second before it. */
class Marking {
  #left = 0;
  #newest = '';

  get isDue(): boolean {
    return this.#left > 0;
  }

  saw(waiting: number, newest: string): void {
    const moves = waiting > 0 || newest !== this.#newest;
    this.#newest = newest;
    this.#left = moves ? marksAfterMoving : Math.max(0, this.#left - 1);
  }
}

const marksAfterMoving = 6;

/** Messages into the outbox in the caller's transaction, as batches of at most `messagesPerBatch`. */
export async function enqueue(sql: Sql, kind: BatchKind, messages: readonly Message[]): Promise<void> {
  for (let from = 0; from < messages.length; from += messagesPerBatch) {
    const part = messages.slice(from, from + messagesPerBatch);
    await sql.query('INSERT INTO outbox (events, batch, kind) VALUES ($1, $2, $3)', [
      part.length,
      Buffer.concat(part.map(encodeMessage)),
      kind,
    ]);
  }
}

/** Messages of a kind that the queue has confirmed, ever. */
export async function countPublished(sql: Sql, kind: BatchKind): Promise<number> {
  const [row] = await sql.query<{ events: string }>(
    'SELECT coalesce(sum(events), 0)::text AS events FROM published WHERE kind = $1',
    [kind],
  );
  return Number(row?.events ?? 0);
}

/** Whether publications wait for the broker. */
export async function isBehind(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ is_behind: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM outbox WHERE kind IN ('CREATED', 'AGAIN')
       AND created_at < now() - interval '10 seconds') AS is_behind`,
  );
  return row?.is_behind ?? true;
}

/** More batches of one kind than this wait only while the broker is unavailable. */
const batchesLookedAt = 1_000;

/** Whether a message of this id has not left the outbox yet. */
export async function isWaiting(sql: Sql, kind: BatchKind, messageId: string): Promise<boolean> {
  return (await findWaitingIds(sql, kind)).has(messageId);
}

/** Ids of the messages of a rare kind that have not left the outbox yet, oldest batches first. */
export async function findWaitingIds(sql: Sql, kind: BatchKind): Promise<ReadonlySet<string>> {
  const batches = await sql.query<{ batch: Buffer }>(
    `SELECT batch FROM outbox WHERE kind = $1 ORDER BY id LIMIT ${batchesLookedAt}`,
    [kind],
  );
  return new Set(batches.flatMap(({ batch }) => decodeBatch(batch)).map(({ id }) => id));
}

/** 500 messages of 200 bytes are 100 KiB; a batch should stay below 256. */
const messagesPerBatch = 500;

async function claimOn(
  sql: Sql,
  select: Statement,
  maxBatches: number,
  work: Work,
  finish: (verdicts: Verdict[]) => Promise<void> = (verdicts) => carryOut(sql, verdicts),
): Promise<number> {
  const batches = await sql.query<OutboxBatch>(select, [maxBatches]);
  if (batches.length === 0) return 0;
  const verdicts = await work(batches);
  await finish(verdicts);
  failpoint('after-delete');
  return batches.length;
}

/** What broke the claim may be one of its batches, though mostly it is the transport: each waits a time of its own, so that it meets other neighbours. */
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

/** Nothing is put off for a minute: what is due later was written by a clock that has gone back since. */
const due = `SELECT id::text AS id, kind, events, attempts, interruptions, batch AS bytes, created_at AS "createdAt"
FROM outbox WHERE (due_at <= now() OR due_at > now() + interval '1 minute') ORDER BY outbox.id LIMIT $1`;
const selectDue: Statement = { name: 'weir-outbox-due', text: due };
const selectDueAndLock: Statement = {
  name: 'weir-outbox-claim',
  text: `${due} FOR UPDATE SKIP LOCKED`,
};

/** Deletes first: a batch that is not there any more was handled by another claim, so nothing of it is parked or counted. */
async function carryOut(sql: Sql, verdicts: Verdict[]): Promise<void> {
  const published: { kind: BatchKind; events: number }[] = [];
  for (const verdict of verdicts)
    if (verdict.kind === 'delayed') published.push(...(await delay(sql, verdict)));
  const done = verdicts.filter((verdict) => verdict.kind !== 'delayed');
  if (done.length === 0 && published.length === 0) return;
  const deleted = await sql.query<{ id: string }>(deleteAndCount, [
    `{${done.map(({ batch }) => batch.id).join(',')}}`,
    numberArray(done.map(countUnpublished)),
    textArray(published.map(({ kind }) => kind)),
    numberArray(published.map(({ events }) => events)),
    Math.floor(Math.random() * publishedLanes),
  ]);
  const ids = new Set(deleted.map(({ id }) => id));
  for (const verdict of done) {
    if (!ids.has(verdict.batch.id)) continue;
    if (verdict.kind === 'parked') await parkMessages(sql, verdict);
    if (verdict.kind === 'damaged') await parkBatch(sql, verdict.batch, verdict.error);
  }
}

/** @returns what was published of the batch, unless the batch is gone */
function delay(
  sql: Sql,
  { batch, left, bytes, retryInMs, error }: Extract<Verdict, { kind: 'delayed' }>,
): Promise<{ kind: BatchKind; events: number }[]> {
  return sql.query(
    `UPDATE outbox SET batch = $2, events = $3, attempts = outbox.attempts + 1, interruptions = 0, last_error = $4,
       due_at = now() + make_interval(secs => $5)
     FROM (SELECT events FROM outbox WHERE id = $1) AS before WHERE id = $1
     RETURNING kind, before.events - outbox.events AS events`,
    [batch.id, bytes, left.length, error, retryInMs / 1000],
  );
}

function countUnpublished(verdict: Exclude<Verdict, { kind: 'delayed' }>): number {
  if (verdict.kind === 'damaged') return verdict.batch.events;
  return verdict.kind === 'parked' ? verdict.left.length : 0;
}

/** Each count is spread over this many rows, so that two lanes seldom wait for each other's commit. */
const publishedLanes = 16;

/**
 * What has been published is counted by the commit that deletes it, and from the rows that it deletes, so nothing is
 * counted twice or not at all.
 */
const deleteAndCount: Statement = {
  name: 'weir-outbox-delete',
  text: `WITH deleted AS (
      DELETE FROM outbox WHERE id = ANY ($1::bigint[]) RETURNING id, kind, events
    ), published AS (
      SELECT kind, events - unpublished AS events
      FROM deleted JOIN unnest($1::bigint[], $2::int[]) AS done (id, unpublished) USING (id)
      UNION ALL SELECT kind, events FROM unnest($3::text[], $4::bigint[]) AS delayed (kind, events)
    ), counted AS (
      INSERT INTO published (kind, lane, events)
      SELECT kind, $5, sum(events) FROM published GROUP BY kind HAVING sum(events) > 0 ORDER BY kind
      ON CONFLICT (kind, lane) DO UPDATE SET events = published.events + excluded.events
    )
    SELECT id::text FROM deleted`,
};

/** A parked message names the purchase behind it, so that an operator finds it by any of its ids. */
async function parkMessages(
  sql: Sql,
  { batch, left, error }: Extract<Verdict, { kind: 'parked' }>,
): Promise<void> {
  // release-… and refund-… carry the instance's id as well.
  const instanceIdOf = ({ id }: Message) => id.replace(/^\D*/, '');
  const rows = await sql.query<{ instance_id: string; source: string; scope: string; source_id: string }>(
    'SELECT instance_id::text, source, scope, source_id FROM instance_logs WHERE instance_id = ANY ($1::bigint[])',
    [`{${left.map(instanceIdOf).join(',')}}`],
  );
  const purchases = new Map(rows.map((row) => [row.instance_id, row]));
  await parkItems(
    sql,
    left.map((message) => {
      const isRequest = message.id !== instanceIdOf(message);
      const purchase = isRequest ? undefined : purchases.get(message.id);
      return {
        origin: 'OUTBOX' as const,
        reason: 'MESSAGE_REFUSED' as const,
        detail: `message ${message.id}: ${error}`,
        params: { messageId: message.id, error },
        source: purchase?.source ?? '',
        scope: purchase?.scope ?? '',
        sourceId: purchase?.source_id ?? message.id,
        original: message.body,
        messageId: message.id,
        messageType: message.type ?? usualType,
        kind: batch.kind,
        events: 1,
      };
    }),
  );
}

async function parkBatch(sql: Sql, { id, kind, events, bytes }: OutboxBatch, error: string): Promise<void> {
  const item = { source: '', scope: 'outbox', sourceId: id, original: bytes, kind, events };
  await parkItems(sql, [
    { origin: 'OUTBOX', reason: 'OUTBOX_BATCH_CORRUPT', detail: error, params: { error }, ...item },
  ]);
}
