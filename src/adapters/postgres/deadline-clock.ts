import type { QueueReading, Way, WayOptions } from '../../core/results/rescuer.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { isBehind } from './outbox-state.ts';

/** After a gap longer than this between two checks, the time between them does not count as clear. */
const longestGap = "interval '2 minutes'";

/**
 * Checks whether published events reach a consumer, and stops or resumes the clock of all deadlines. The
 * state is one row of the database: replicas share it, and a restart does not begin the wait again.
 */
export async function checkWay(
  database: Database,
  readQueue: () => Promise<QueueReading>,
  options: WayOptions,
): Promise<Way> {
  // In this order: events that are counted before the queue is read cannot hide an unread one.
  const published = await readPublished(database, options.unreadAfterMs);
  const queue = await readQueue();
  return database.transaction(async (sql) => {
    const [clock] = await sql.query<{ is_blocked: boolean }>(
      'SELECT blocked_since IS NOT NULL AS is_blocked FROM overdue_cursor FOR UPDATE',
    );
    const blockedBy = (await isBehind(sql)) ? 'outbox' : findObstacle(queue, published);
    if (blockedBy) return { blockedBy, clearMs: await stopClock(sql) };
    if (clock?.is_blocked) await extendDeadlines(sql, options.deadlineMs);
    return { blockedBy, clearMs: await keepClockRunning(sql) };
  });
}

interface Published {
  /** Events ever confirmed by the queue. */
  now: number;
  /** The same figure `unreadAfterMs` ago; undefined when it is not known. */
  before: number | undefined;
}

async function readPublished(sql: Sql, unreadAfterMs: number): Promise<Published> {
  const [row] = await sql.query<{ now: string; before: string | null }>(
    `SELECT (SELECT coalesce(sum(events), 0) FROM published WHERE kind IN ('CREATED', 'AGAIN'))::text AS now,
       (SELECT published FROM outbox_marks WHERE at <= now() - make_interval(secs => $1 / 1000.0)
        ORDER BY at DESC LIMIT 1)::text AS before`,
    [unreadAfterMs],
  );
  return { now: Number(row?.now), before: row?.before == null ? undefined : Number(row.before) };
}

/**
 * A queue is read in order: while fewer events were read than had been published a while ago, one of those
 * is unread.
 */
function findObstacle({ ready, consumers }: QueueReading, { now, before }: Published): Way['blockedBy'] {
  if (consumers === 0) return 'no consumer';
  const isUnread = ready > 0 && (before === undefined || now - ready < before);
  return isUnread ? 'unread events' : undefined;
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
