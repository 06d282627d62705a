import { backoffMs } from '../lib/backoff.ts';
import { failpoint } from '../lib/failpoint.ts';
import { type Database, numberArray, type Sql, type Statement } from '../lib/sql.ts';
import { decodeFrame, type Message } from '../outbox/frame.ts';
import { type Frame, type Outbox, retry, type Verdict } from '../outbox/relay.ts';
import { parkItems } from './parked.ts';

export interface OutboxOptions {
  /** The queue lives in this very database, so announcing is part of the claim's transaction. */
  queueInSameDatabase: boolean;
  /** After this long without a word the server ends the claim, so a paused process does not hold its frames. */
  claimTimeoutMs: number;
}

/**
 * The row lock is the claim: there is no lease to time out, a killed relay frees its frames at once. Two set-ups do
 * without it. With a queue in the same database the lock is not needed for long, and losing the commit would lose
 * the messages, so it is synchronous. A single-session database has one process and must not be held meanwhile.
 */
export function postgresOutbox(database: Database, options: OutboxOptions): Outbox {
  const holdNothing = database.singleSession && !options.queueInSameDatabase;
  return {
    async claim(maxFrames, work) {
      let lent: Frame[] = [];
      const remember = (frames: Frame[], sql: Sql) => {
        lent = frames;
        return work(frames, sql);
      };
      try {
        if (holdNothing) return await claimOn(database, selectDue, maxFrames, remember);
        return await database.transaction((sql) => claimOn(sql, selectDueAndLock, maxFrames, remember), {
          // Losing this commit only means that the same messages are sent again.
          asynchronousCommit: !options.queueInSameDatabase,
          idleTimeoutMs: options.claimTimeoutMs,
        });
      } catch (error) {
        await postpone(database, lent, error).catch(() => {});
        throw error;
      }
    },
    async countWaiting() {
      const [row] = await database.query<{ waiting: string }>(
        'SELECT coalesce(sum(events), 0)::text AS waiting FROM outbox',
      );
      return Number(row?.waiting ?? 0);
    },
  };
}

async function claimOn(
  sql: Sql,
  select: Statement,
  maxFrames: number,
  work: (frames: Frame[], sql: Sql) => Promise<Verdict[]>,
): Promise<number> {
  const frames = await sql.query<Frame>(select, [maxFrames]);
  if (frames.length === 0) return 0;
  const verdicts = await work(frames, sql);
  await carryOut(sql, verdicts);
  failpoint('after-delete');
  return frames.length;
}

/** What broke the claim may be one of its frames: each waits a time of its own, so that it meets other neighbours. */
async function postpone(sql: Sql, frames: readonly Frame[], error: unknown): Promise<void> {
  if (frames.length === 0) return;
  const waits = frames.map(({ attempts }) => Math.round(backoffMs(attempts + 1, retry)));
  await sql.query(
    `UPDATE outbox SET attempts = attempts + 1, last_error = $3, due_at = now() + make_interval(secs => wait_ms / 1000.0)
     FROM unnest($1::bigint[], $2::int[]) AS late (id, wait_ms) WHERE outbox.id = late.id`,
    [`{${frames.map(({ id }) => id).join(',')}}`, numberArray(waits), String(error)],
  );
}

const due = `SELECT id::text AS id, events, attempts, frame AS bytes, created_at AS "createdAt" FROM outbox
WHERE due_at <= now() ORDER BY outbox.id LIMIT $1`;
const selectDue: Statement = { name: 'weir-outbox-due', text: due };
const selectDueAndLock: Statement = {
  name: 'weir-outbox-claim',
  text: `${due} FOR UPDATE SKIP LOCKED`,
};

async function carryOut(sql: Sql, verdicts: Verdict[]): Promise<void> {
  const done = verdicts.filter(({ kind }) => kind !== 'delayed').map(({ frame }) => frame.id);
  for (const verdict of verdicts) {
    if (verdict.kind === 'parked') await parkMessages(sql, verdict.left, verdict.error);
    if (verdict.kind === 'damaged') await parkFrame(sql, verdict.frame, verdict.error);
    if (verdict.kind !== 'delayed') continue;
    await sql.query(
      `UPDATE outbox SET frame = $2, events = $3, attempts = attempts + 1, last_error = $4,
         due_at = now() + make_interval(secs => $5) WHERE id = $1`,
      [verdict.frame.id, verdict.bytes, verdict.left.length, verdict.error, verdict.retryInMs / 1000],
    );
  }
  if (done.length > 0) {
    await sql.query(
      { name: 'weir-outbox-delete', text: 'DELETE FROM outbox WHERE id = ANY ($1::bigint[])' },
      [`{${done.join(',')}}`],
    );
  }
}

/** A parked message names the purchase behind it, so that an operator finds it by what he knows. */
async function parkMessages(sql: Sql, messages: Message[], error: string): Promise<void> {
  const rows = await sql.query<{ instance_id: string; source: string; scope: string; source_id: string }>(
    'SELECT instance_id::text, source, scope, source_id FROM instance_logs WHERE instance_id = ANY ($1::bigint[])',
    [`{${messages.map(({ id }) => id).join(',')}}`],
  );
  const purchases = new Map(rows.map((row) => [row.instance_id, row]));
  await parkItems(
    sql,
    messages.map((message) => {
      const purchase = purchases.get(message.id);
      return {
        origin: 'OUTBOX' as const,
        reason: 'MESSAGE_REFUSED' as const,
        detail: `message ${message.id}: ${error}`,
        source: purchase?.source ?? '',
        scope: purchase?.scope ?? '',
        sourceId: purchase?.source_id ?? message.id,
        original: message.body,
      };
    }),
  );
}

async function parkFrame(sql: Sql, { id, bytes }: Frame, error: string): Promise<void> {
  const item = { source: '', scope: 'outbox', sourceId: id, original: bytes };
  await parkItems(sql, [{ origin: 'OUTBOX', reason: 'FRAME_DAMAGED', detail: error, ...item }]);
}

/** The messages that wait, oldest first. */
export async function readOutbox(sql: Sql): Promise<Message[]> {
  const frames = await sql.query<{ frame: Buffer }>('SELECT frame FROM outbox ORDER BY id');
  return frames.flatMap(({ frame }) => decodeFrame(frame));
}
