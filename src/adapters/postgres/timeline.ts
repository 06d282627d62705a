import type { InstanceLog } from '../../core/instance/instance-log.ts';
import { buildTimeline, type TimelineEntry, type TimelineFacts } from '../../core/instance/timeline.ts';
import type { Sql } from '../../lib/sql.ts';
import type { Action } from '../../ops/activity/activity.ts';
import { resolutionColumn } from './parked-queries.ts';

/** Derived from rows that exist anyway: the path of a purchase writes nothing for it. */
export async function readTimeline(sql: Sql, instance: InstanceLog): Promise<TimelineEntry[]> {
  const id = instance.instanceId.toString();
  const purchase = [instance.source, instance.scope, instance.sourceId];
  const [row] = await sql.query<{ answeredAt: Date | null }>(
    'SELECT answered_at AS "answeredAt" FROM instance_logs WHERE instance_id = $1',
    [id],
  );
  const parked = await sql.query<TimelineFacts['parked'][number]>(
    `SELECT id::text, origin, reason, parked_at AS "parkedAt", state, resolved_at AS "resolvedAt", resolved_by AS "resolvedBy",
       ${resolutionColumn} FROM parked
     WHERE origin IN ('STREAM', 'OUTBOX') AND source = $1 AND scope = $2 AND source_id = $3
       OR origin = 'PAYMENT' AND source = $1 AND source_id = $3
     UNION ALL
     SELECT id::text, origin, reason, parked_at, state, resolved_at, resolved_by, ${resolutionColumn} FROM parked
     WHERE origin IN ('RESULT', 'DEAD_LETTER') AND instance_id = $4`,
    [...purchase, id],
  );
  const history = await sql.query<TimelineFacts['history'][number]>(
    'SELECT at, what, detail, actor FROM instance_history WHERE instance_id = $1 ORDER BY id',
    [id],
  );
  const [compensation] = await sql.query<NonNullable<TimelineFacts['compensation']>>(
    `SELECT kind, reason, created_at AS "createdAt", done_at AS "doneAt", outcome FROM compensations
     WHERE source = $1 AND scope = $2 AND source_id = $3`,
    purchase,
  );
  const isParked = parked.some(({ origin, state }) => origin === 'OUTBOX' && state !== 'REPLAYED');
  return buildTimeline({
    instance,
    answeredAt: row?.answeredAt ?? undefined,
    statedBy: await findStatedBy(sql, instance),
    order: await findOrder(sql, instance),
    publishedBy: isParked ? undefined : await findPublishedBy(sql, instance.createdAt),
    parked,
    history,
    compensation,
  });
}

/**
 * Finds the operators behind a result and a refund. Other actions of operators are steps of their own: in
 * the history, or of a parked item.
 */
async function findStatedBy(
  sql: Sql,
  { instanceId, source, sourceId }: InstanceLog,
): Promise<TimelineFacts['statedBy']> {
  const rows = await sql.query<{ action: Action; actor: string }>(
    `SELECT action, actor FROM activity WHERE subject_id = $1 AND action || '' = 'INSTANCE_SETTLED'
     UNION ALL
     SELECT action, actor FROM activity WHERE subject_id = $2 AND action || '' = 'ORDER_REFUNDED' AND $3 = 'ORDER'`,
    [instanceId.toString(), sourceId, source],
  );
  const find = (action: Action) => rows.find((row) => row.action === action)?.actor;
  return { result: find('INSTANCE_SETTLED'), refund: find('ORDER_REFUNDED') };
}

async function findOrder(sql: Sql, { source, sourceId }: InstanceLog): Promise<TimelineFacts['order']> {
  if (source !== 'ORDER') return undefined;
  const [row] = await sql.query<{ created_at: Date; paid_at: Date | null }>(
    'SELECT created_at, paid_at FROM orders WHERE id = $1',
    [sourceId],
  );
  return row && { createdAt: row.created_at, paidAt: row.paid_at ?? undefined };
}

/**
 * The first mark with only younger batches waiting. A mark's time can be earlier than what it saw by the
 * length of a commit, so only marks at least a second younger than the instance count.
 */
async function findPublishedBy(sql: Sql, createdAt: Date): Promise<Date | undefined> {
  const [mark] = await sql.query<{ at: Date }>(
    `SELECT at FROM outbox_marks WHERE at > $1::timestamptz + interval '1 second'
       AND (waiting_since IS NULL OR waiting_since > $1) ORDER BY at LIMIT 1`,
    [createdAt],
  );
  return mark?.at;
}
