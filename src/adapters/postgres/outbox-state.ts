import type { BatchKind } from '../../core/outbox/outbox.ts';
import { decodeBatch } from '../../core/outbox/outbox-batch.ts';
import type { Sql } from '../../lib/sql.ts';

/** Messages of a kind that the queue has ever confirmed. */
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
const maxBatchesRead = 1_000;

/** Whether a message with this id is still in the outbox. */
export async function isWaiting(sql: Sql, kind: BatchKind, messageId: string): Promise<boolean> {
  return (await findWaitingIds(sql, kind)).has(messageId);
}

/** Ids of messages of a rare kind that are still in the outbox, oldest batches first. */
export async function findWaitingIds(sql: Sql, kind: BatchKind): Promise<ReadonlySet<string>> {
  const batches = await sql.query<{ batch: Buffer }>(
    `SELECT batch FROM outbox WHERE kind = $1 ORDER BY id LIMIT ${maxBatchesRead}`,
    [kind],
  );
  return new Set(batches.flatMap(({ batch }) => decodeBatch(batch)).map(({ id }) => id));
}
