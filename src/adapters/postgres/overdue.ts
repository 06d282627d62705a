import { instanceCreated } from '../../core/instance/instance-created.ts';
import type { InstanceId, UserId } from '../../core/instance/purchase.ts';
import type { DueOptions, OverduePage, OverdueRows, RescueCounts } from '../../core/results/rescuer.ts';
import { timedOut } from '../../core/results/result.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { checkWay } from './deadline-clock.ts';
import { lastIssued } from './last-issued.ts';
import { isBehind } from './outbox-state.ts';
import { requestReleases } from './releases.ts';
import { type PublishedRow, publishedColumns, republish } from './republish.ts';
import { byWeir, settleOn } from './settle.ts';

export function postgresOverdue(database: Database): OverdueRows {
  return {
    findOverdue: (deadlineMs, after) => findOverdue(database, deadlineMs, after),
    handleDue: (options) => database.transaction((sql) => handleDue(sql, options)),
    checkWay: (readQueues, options) => checkWay(database, readQueues, options),
  };
}

/** How many rows one page reads. */
const rowsPerPage = 20_000;

/**
 * An index of PROCESSING rows would have to be written at every settle. Instead a cursor passes all rows
 * once, in order of id, one deadline behind, and copies those that are still PROCESSING into `overdue`;
 * every other row below the cursor is terminal.
 *
 * The deadline starts with the publication. A mark in outbox_marks states the oldest batch of that moment:
 * everything committed earlier had been published by then. A mark's time can be earlier than what it saw by
 * the length of a commit, hence the margin of a second. Rows older than a batch that waits now may wait
 * themselves. A row that is committed late has an id below others: no statement of Weir may run for 60 s,
 * so the cursor only passes rows twice as old, and overdue rows above it are read more than once.
 *
 * A row without a time, or dated in the future (a clock that was set back, a row written by hand), has no
 * age: it does not stop the cursor, gets a full deadline from the moment it is found, and is passed when an
 * old row follows it. The cursor stays below the last id that the sequence has issued, so ids that are
 * issued again are above it.
 */
async function findOverdue(database: Database, deadlineMs: number, after: string): Promise<OverduePage> {
  if (after === '0') await rewindCursor(database);
  const [row] = await database.query<{ rows_read: number; last_id: string | null }>(
    `WITH held AS (
       SELECT id FROM overdue_cursor FOR UPDATE SKIP LOCKED
     ), bound AS (
       SELECT least((SELECT coalesce(waiting_since, at) - interval '1 second' FROM outbox_marks
           WHERE at <= now() - make_interval(secs => $1 / 1000.0) ORDER BY at DESC LIMIT 1),
         (SELECT min(created_at) FROM outbox WHERE kind = 'CREATED')) AS overdue_before
       WHERE EXISTS (SELECT 1 FROM outbox_marks WHERE at <= now() - make_interval(secs => $1 / 1000.0))
     ), clock AS (
       SELECT now() + make_interval(secs => $1 / 1000.0) AS fresh_due, CASE WHEN blocked_since IS NULL
         THEN greatest(now(), least(clear_since, now()) + make_interval(secs => $1 / 1000.0)) END AS clear_due
       FROM overdue_cursor
     ), seen AS (
       SELECT id, instance_id, status, created_at,
         coalesce(created_at > now() + interval '1 minute', TRUE) AS is_misdated FROM instance_logs
       WHERE id > (SELECT greatest(id, $2::bigint) FROM held) ORDER BY id LIMIT ${rowsPerPage}
     ), old AS (
       SELECT seen.* FROM seen, bound WHERE id < coalesce((SELECT min(id) FROM seen, bound
         WHERE created_at >= overdue_before AND NOT is_misdated), 9223372036854775807)
     ), written AS (
       INSERT INTO overdue (instance_id, due_at)
       SELECT instance_id, CASE WHEN is_misdated THEN fresh_due ELSE coalesce(clear_due, fresh_due) END
       FROM old, clock WHERE status = 'PROCESSING' ON CONFLICT DO NOTHING
     ), passed AS (
       SELECT max(id) AS id FROM old WHERE (SELECT id FROM held) >= $2::bigint AND NOT is_misdated
         AND id <= ${lastIssued('instance_logs_id_seq')} AND id < coalesce((SELECT min(id) FROM old
           WHERE created_at >= now() - interval '2 minutes' AND NOT is_misdated), 9223372036854775807)
     ), moved AS (
       UPDATE overdue_cursor SET id = passed.id FROM passed WHERE overdue_cursor.id < passed.id
     )
     SELECT count(*)::int AS rows_read, max(id)::text AS last_id FROM old`,
    [deadlineMs, after],
  );
  const isFull = row?.rows_read === rowsPerPage;
  return { nextAfter: isFull ? (row?.last_id ?? undefined) : undefined };
}

/**
 * After a restore or a cutover the sequence may have gone back: new rows would get ids below the cursor and
 * never be found.
 */
async function rewindCursor(sql: Sql): Promise<void> {
  await sql.query(`UPDATE overdue_cursor SET id = 0 WHERE id > ${lastIssued('instance_logs_id_seq')}`);
}

interface DueRow extends PublishedRow {
  overdue_id: string;
  publications: number;
  status: string | null;
}

/**
 * A later deadline was not set by this configuration: the clock was ahead then, or the settings were
 * different.
 */
function longestWaitMs({ deadlineMs, maxPublications }: DueOptions): number {
  return deadlineMs * 2 ** maxPublications;
}

async function handleDue(
  sql: Sql,
  options: DueOptions,
): Promise<(RescueCounts & { handled: number }) | undefined> {
  if (await isBehind(sql)) return undefined;
  const rows = await sql.query<DueRow>(
    `SELECT overdue.instance_id::text AS overdue_id, publications, status,
       ${publishedColumns.replaceAll('instance_id', 'instance_logs.instance_id')}
     FROM overdue LEFT JOIN instance_logs ON instance_logs.instance_id = overdue.instance_id
     WHERE (due_at <= now() OR due_at > now() + make_interval(secs => $4 / 1000.0))
       AND (publications < $2 OR $3 OR status IS DISTINCT FROM 'PROCESSING')
     ORDER BY overdue.instance_id LIMIT $1 FOR UPDATE OF overdue SKIP LOCKED`,
    [options.limit, options.maxPublications, options.mayGiveUp, longestWaitMs(options)],
  );
  const open = rows.filter(({ status }) => status === 'PROCESSING');
  const parked = await findParked(sql, open);
  const parkedOnes = open.filter(({ instance_id }) => parked.has(instance_id));
  const delivered = open.filter(({ instance_id }) => !parked.has(instance_id));
  const again = delivered.filter(({ publications }) => publications < options.maxPublications);
  const exhausted = delivered.filter(({ publications }) => publications >= options.maxPublications);

  const lost = await republish(sql, again, byWeir, 'NO_RESULT');
  if (again.length > 0) failpoint('after-republish');
  const timedOut = await giveUp(sql, exhausted);
  await postpone(sql, again, 1, options.deadlineMs);
  await postpone(sql, parkedOnes, 0, options.deadlineMs);
  await remove(sql, [...rows.filter(({ status }) => status !== 'PROCESSING'), ...exhausted]);
  return { republished: again.length - lost.length, timedOut, handled: rows.length };
}

/**
 * Instances whose event was rejected or dead-lettered by the broker and is parked: their deadline runs only
 * after a replay.
 */
async function findParked(sql: Sql, rows: readonly DueRow[]): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set();
  const found = await sql.query<{ instance_id: string }>(
    `SELECT instance_logs.instance_id::text FROM instance_logs JOIN parked ON origin = 'OUTBOX'
       AND parked.source = instance_logs.source AND parked.scope = instance_logs.scope
       AND parked.source_id = instance_logs.source_id AND state = 'PARKED'
     WHERE instance_logs.instance_id = ANY ($1::bigint[])
     UNION SELECT instance_id::text FROM parked WHERE origin = 'DEAD_LETTER' AND message_type = '${instanceCreated}'
       AND state = 'PARKED' AND instance_id = ANY ($1::bigint[])`,
    [idsOf(rows)],
  );
  return new Set(found.map(({ instance_id }) => instance_id));
}

/**
 * Settles as FAILED: the same commit compensates and requests the machine's release, and a later result of
 * the Resource Domain counts as late.
 *
 * @returns how many were given up; a result that arrived meanwhile stands
 */
async function giveUp(sql: Sql, rows: readonly DueRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const results = rows.map(({ instance_id }) => ({
    instanceId: BigInt(instance_id) as InstanceId,
    status: 'FAILED' as const,
    reason: timedOut,
    answeredAt: undefined,
  }));
  const settled = await settleOn(sql, results, byWeir);
  const givenUp = rows.filter((_, i) => settled[i] === 'applied');
  // Perhaps only the result was lost: the machine may be running, and its buyer has just been compensated.
  const machines = givenUp.map(({ instance_id, user_id }) => ({
    instanceId: BigInt(instance_id) as InstanceId,
    userId: BigInt(user_id) as UserId,
  }));
  await requestReleases(sql, machines, 'GIVEN_UP', byWeir);
  return givenUp.length;
}

/** Each further publication gets twice the time of the previous one. */
async function postpone(
  sql: Sql,
  rows: readonly DueRow[],
  publications: number,
  deadlineMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    `UPDATE overdue SET publications = publications + $2,
       due_at = now() + make_interval(secs => $3 / 1000.0 * power(2, publications - 1))
     WHERE instance_id = ANY ($1::bigint[])`,
    [idsOf(rows), publications, deadlineMs],
  );
}

async function remove(sql: Sql, rows: readonly DueRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.query('DELETE FROM overdue WHERE instance_id = ANY ($1::bigint[])', [idsOf(rows)]);
}

function idsOf(rows: readonly DueRow[]): string {
  return numberArray(rows.map(({ overdue_id }) => BigInt(overdue_id)));
}
