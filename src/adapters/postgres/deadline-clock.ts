import type { QueueReading, Way, WayOptions } from '../../core/results/rescuer.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { findIdBounds } from './id-bounds.ts';
import { isBehind } from './outbox-state.ts';

/** After a gap longer than this between two checks, the time between them does not count as clear. */
const longestGap = "interval '2 minutes'";

/**
 * Checks whether published events reach a consumer, and stops or resumes the clock of all deadlines. The
 * state is one row of the database: replicas share it, and a restart does not begin the wait again.
 */
export async function checkWay(
  database: Database,
  readQueues: () => Promise<QueueReading[]>,
  options: WayOptions,
): Promise<Way> {
  // In this order: events that are counted before the queue is read cannot hide an unread one.
  const published = await readPublished(database, options.unreadAfterMs);
  const queues = await readQueues();
  const recent = await countRecent(database, queues, published.at, options.unreadAfterMs);
  return database.transaction(async (sql) => {
    const [clock] = await sql.query<{ is_blocked: boolean }>(
      'SELECT blocked_since IS NOT NULL AS is_blocked FROM overdue_cursor FOR UPDATE',
    );
    const blockedBy = (await isBehind(sql)) ? 'outbox' : findObstacle(queues, published, recent);
    if (blockedBy) return { blockedBy, clearMs: await stopClock(sql) };
    if (clock?.is_blocked) await extendDeadlines(sql, options.deadlineMs);
    return { blockedBy, clearMs: await keepClockRunning(sql) };
  });
}

interface Published {
  /** When the figures were read. */
  at: Date;
  /** Events ever confirmed by the queue. */
  now: number;
  /** The same figure `unreadAfterMs` ago; undefined when it is not known. */
  before: number | undefined;
}

async function readPublished(sql: Sql, unreadAfterMs: number): Promise<Published> {
  const [row] = await sql.query<{ at: Date; now: string; before: string | null }>(
    `SELECT now() AS at, (SELECT coalesce(sum(events), 0) FROM published WHERE kind IN ('CREATED', 'AGAIN'))::text AS now,
       (SELECT published FROM outbox_marks WHERE at <= now() - make_interval(secs => $1 / 1000.0)
        ORDER BY at DESC LIMIT 1)::text AS before`,
    [unreadAfterMs],
  );
  return {
    at: row?.at ?? new Date(0),
    now: Number(row?.now),
    before: row?.before == null ? undefined : Number(row.before),
  };
}

/**
 * Recent events by queue, where there are several: published events are counted for all of them together.
 * Counted by creation, which precedes publication: an event that was published late counts as old and pauses
 * the deadlines.
 */
async function countRecent(
  sql: Sql,
  queues: readonly QueueReading[],
  at: Date,
  unreadAfterMs: number,
): Promise<ReadonlyMap<number, number>> {
  if (queues.length === 1 || queues.every(({ ready }) => ready === 0)) return new Map();
  const from = new Date(at.getTime() - unreadAfterMs);
  const { after } = await findIdBounds(sql, from, undefined);
  const rows = await sql.query<{ queue: number; events: number }>(
    `SELECT (instance_id % $1)::int AS queue, count(*)::int AS events FROM instance_logs
     WHERE id > $2 AND created_at > $3 AND created_at <= $4 GROUP BY 1`,
    [queues.length, after.toString(), from, at],
  );
  return new Map(rows.map(({ queue, events }) => [queue, events]));
}

/**
 * A queue is read in order: while fewer events were read than had been published a while ago, one of those
 * is unread.
 */
function findObstacle(
  queues: readonly QueueReading[],
  { now, before }: Published,
  recent: ReadonlyMap<number, number>,
): Way['blockedBy'] {
  if (queues.some(({ consumers }) => consumers === 0)) return 'no consumer';
  const isUnread = ({ ready }: QueueReading, i: number) => {
    if (ready === 0) return false;
    if (queues.length > 1) return ready > (recent.get(i) ?? 0);
    return before === undefined || now - ready < before;
  };
  return queues.some(isUnread) ? 'unread events' : undefined;
}

async function stopClock(sql: Sql): Promise<number> {
  await sql.query(
    'UPDATE overdue_cursor SET blocked_since = least(blocked_since, now()), clear_since = NULL, checked_at = now()',
  );
  return 0;
}

/**
 * No deadline runs while the way is blocked. None is extended beyond the full deadline of its last
 * publication.
 */
async function extendDeadlines(sql: Sql, deadlineMs: number): Promise<void> {
  await sql.query(
    `UPDATE overdue SET due_at = greatest(due_at, least(due_at + (now() - blocked_since),
       now() + make_interval(secs => $1 / 1000.0 * power(2, publications - 1))))
     FROM overdue_cursor WHERE due_at > blocked_since`,
    [deadlineMs],
  );
}

/** @returns how long the way has been clear */
async function keepClockRunning(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ clear_ms: number }>(
    `UPDATE overdue_cursor SET blocked_since = NULL, checked_at = now(),
       clear_since = CASE WHEN checked_at > now() - ${longestGap} THEN least(clear_since, now()) ELSE now() END
     RETURNING (extract(epoch FROM now() - clear_since) * 1000)::float8 AS clear_ms`,
  );
  return row?.clear_ms ?? 0;
}
