import type { Actor } from '../../core/actor.ts';
import { instanceCreated } from '../../core/instance/instance-created.ts';
import type { InstanceId, UserId } from '../../core/instance/purchase.ts';
import type { DueOptions, OverduePage, OverdueRows, RescueCounts } from '../../core/results/rescuer.ts';
import { timedOut } from '../../core/results/result.ts';
import { WeirError } from '../../errors.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { checkWay } from './deadline-clock.ts';
import { lastIssued } from './last-issued.ts';
import { isBehind } from './outbox.ts';
import { requestReleases } from './releases.ts';
import { type PublishedRow, publishedColumns, republish } from './republish.ts';
import { byWeir, settleOn } from './settle.ts';

export function postgresOverdue(database: Database): OverdueRows {
  return {
    findOverdue: (deadlineMs, after) => findOverdue(database, deadlineMs, after),
    handleDue: (options) => database.transaction((sql) => handleDue(sql, options)),
    checkWay: (readQueue, options) => checkWay(database, readQueue, options),
  };
}

/** Rows that one page looks at. */
const rowsPerPage = 20_000;

/**
 * An index of the PROCESSING rows would have to be written at every settle. Instead a cursor goes through the rows once,
 * in order of id, behind the deadline, and writes down who is still PROCESSING; below it all others are terminal.
 *
 * The deadline counts from the publication: what was committed before the oldest batch of then had been published by
 * then (outbox_marks; a mark's time may lie up to a commit's length before what it saw, hence the second), and what is
 * older than a batch that waits now may wait itself. A row that is committed late has an id below others: no statement
 * of ours may run for 60 s, so the cursor passes only what is twice as old, and what is overdue before is looked at more
 * than once.
 *
 * A row without a time, or dated in the future (a clock that went back, a row written by hand), has no age: it stops
 * nothing, gets a whole deadline from the moment it is found, and is passed when an old row follows it. The cursor stays
 * below what the sequence has given out, so ids that are given out again are not below it.
 */
async function findOverdue(database: Database, deadlineMs: number, after: string): Promise<OverduePage> {
  if (after === '0') await rewindCursor(database);
  const [row] = await database.query<{ looked_at: number; last_id: string | null }>(
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
     SELECT count(*)::int AS looked_at, max(id)::text AS last_id FROM old`,
    [deadlineMs, after],
  );
  const isFull = row?.looked_at === rowsPerPage;
  return { nextAfter: isFull ? (row?.last_id ?? undefined) : undefined };
}

/** After a restore or a cutover the sequence may have gone back: rows come below the cursor, which would never be seen. */
async function rewindCursor(sql: Sql): Promise<void> {
  await sql.query(`UPDATE overdue_cursor SET id = 0 WHERE id > ${lastIssued('instance_logs_id_seq')}`);
}

interface DueRow extends PublishedRow {
  overdue_id: string;
  publications: number;
  status: string | null;
}

/** A deadline beyond is not one of ours: the clock was ahead when it was set, or the settings were others. */
function longestWaitMs({ deadlineMs, maxPublications }: DueOptions): number {
  return deadlineMs * 2 ** maxPublications;
}

async function handleDue(
  sql: Sql,
  options: DueOptions,
): Promise<(RescueCounts & { looked: number }) | undefined> {
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
  const unheard = open.filter(({ instance_id }) => parked.has(instance_id));
  const heard = open.filter(({ instance_id }) => !parked.has(instance_id));
  const again = heard.filter(({ publications }) => publications < options.maxPublications);
  const hopeless = heard.filter(({ publications }) => publications >= options.maxPublications);

  const lost = await republish(sql, again, byWeir, 'NO_RESULT');
  if (again.length > 0) failpoint('after-republish');
  const timedOut = await giveUp(sql, hopeless);
  await postpone(sql, again, 1, options.deadlineMs);
  await postpone(sql, unheard, 0, options.deadlineMs);
  await remove(sql, [...rows.filter(({ status }) => status !== 'PROCESSING'), ...hopeless]);
  return { republished: again.length - lost.length, timedOut, looked: rows.length };
}

/**
 * An operator's own publication; it gets a deadline of its own.
 *
 * @returns false when there is no such instance
 * @throws WeirError INSTANCE_SETTLED, PRODUCT_NOT_FOUND
 */
export async function retryInstance(
  database: Database,
  instanceId: InstanceId,
  deadlineMs: number,
  actor: Actor,
): Promise<boolean> {
  return database.transaction(async (sql) => {
    // First the deadline, then the instance: in the order of the watch, so that the two cannot deadlock.
    const [deadline] = await sql.query<{ due_at: Date }>(
      `INSERT INTO overdue (instance_id, publications, due_at)
       SELECT instance_id, 2, now() + make_interval(secs => $2 / 1000.0) FROM instance_logs WHERE instance_id = $1
       ON CONFLICT (instance_id) DO UPDATE SET due_at = greatest(overdue.due_at, excluded.due_at)
       RETURNING due_at`,
      [instanceId.toString(), deadlineMs],
    );
    const [row] = await sql.query<PublishedRow & { status: string }>(
      `SELECT status, ${publishedColumns} FROM instance_logs WHERE instance_id = $1 FOR UPDATE`,
      [instanceId.toString()],
    );
    if (!row) return false;
    if (row.status !== 'PROCESSING') {
      throw new WeirError('INSTANCE_SETTLED', `instance ${instanceId} is ${row.status}`);
    }
    const lost = await republish(sql, [row], actor.name, 'ON_REQUEST');
    if (lost.length > 0) throw new WeirError('PRODUCT_NOT_FOUND', `product ${row.product_id} is gone`);
    await recordActivity(sql, actor, {
      action: 'INSTANCE_REPUBLISHED',
      subjectId: instanceId.toString(),
      after: { dueAt: deadline?.due_at },
    });
    return true;
  });
}

/** Those whose event the broker refused or dead-lettered: it is parked, and they are late only when that was replayed. */
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
 * As a result of Weir's own: the same commit compensates and requests the machine's release, and what the Resource
 * Domain reports later is late.
 *
 * @returns how many it was the end of; a result that has come meanwhile stands
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
  // The answer may be what was lost, not the machine: it may run, and its buyer has just been compensated.
  const machines = givenUp.map(({ instance_id, user_id }) => ({
    instanceId: BigInt(instance_id) as InstanceId,
    userId: BigInt(user_id) as UserId,
  }));
  await requestReleases(sql, machines, 'GIVEN_UP', byWeir);
  return givenUp.length;
}

/** Each further publication gets twice the time of the one before. */
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
