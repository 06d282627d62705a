import type { BatchKind, OutboxBatch, Verdict } from '../../core/outbox/outbox.ts';
import { type Message, usualType } from '../../core/outbox/outbox-batch.ts';
import { numberArray, type Sql, type Statement, textArray } from '../../lib/sql.ts';
import { parkItems } from './parked.ts';

/**
 * Deletes first: a batch that no longer exists was handled by another claim, so none of it is parked or
 * counted.
 */
export async function applyVerdicts(sql: Sql, verdicts: Verdict[]): Promise<void> {
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

/** @returns how many events of the batch were published; nothing when the batch no longer exists */
function delay(
  sql: Sql,
  { batch, left, bytes, retryInMs, error, byQueue }: Extract<Verdict, { kind: 'delayed' }>,
): Promise<{ kind: BatchKind; events: number }[]> {
  return sql.query(
    `UPDATE outbox SET batch = $2, events = $3, last_error = $4, due_at = now() + make_interval(secs => $5),
       attempts = outbox.attempts + CASE WHEN $6 THEN 0 ELSE 1 END,
       interruptions = CASE WHEN $6 THEN outbox.interruptions + 1 ELSE 0 END
     FROM (SELECT events FROM outbox WHERE id = $1) AS before WHERE id = $1
     RETURNING kind, before.events - outbox.events AS events`,
    [batch.id, bytes, left.length, error, retryInMs / 1000, byQueue],
  );
}

function countUnpublished(verdict: Exclude<Verdict, { kind: 'delayed' }>): number {
  if (verdict.kind === 'damaged') return verdict.batch.events;
  return verdict.kind === 'parked' ? verdict.left.length : 0;
}

/** Each count is spread over this many rows, so that two lanes seldom wait for each other's commit. */
const publishedLanes = 16;

/**
 * Published events are counted by the commit that deletes them, from the deleted rows, so each is counted
 * exactly once.
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

/** A parked message names its purchase, so that an operator finds it by any of its ids. */
async function parkMessages(
  sql: Sql,
  { batch, left, error }: Extract<Verdict, { kind: 'parked' }>,
): Promise<void> {
  // Message ids of the form release-… and refund-… end with the instance id.
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
