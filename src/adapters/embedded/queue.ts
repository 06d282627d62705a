import type { Publisher, Refusal } from '../../core/outbox/outbox.ts';
import { type Message, usualType } from '../../core/outbox/outbox-batch.ts';
import { type Sql, textArray } from '../../lib/sql.ts';

/**
 * A queue as a table. On a view shared with the outbox, published messages leave the outbox in the same
 * commit.
 */
export function embeddedQueue(
  sql: Sql,
  queue: string,
  queues: Readonly<Record<string, string>> = {},
): Publisher {
  const queueOf = ({ type = usualType }: Message) => (type === usualType ? queue : (queues[type] ?? type));
  return {
    notReady: undefined,
    async ready() {},
    async publish(messages: Message[]): Promise<Refusal[]> {
      if (messages.length === 0) return [];
      const lengths = messages.map(({ body }) => body.length);
      await sql.query(
        `INSERT INTO embedded_queue (queue, message_id, traceparent, body)
         SELECT queue, message_id, nullif(traceparent, ''), substring($5::bytea
           FROM (sum(length) OVER (ORDER BY ordinal) - length + 1)::int FOR length)
         FROM unnest($1::text[], $2::text[], $3::text[], $4::int[]) WITH ORDINALITY
           AS t (queue, message_id, traceparent, length, ordinal) ORDER BY ordinal`,
        [
          textArray(messages.map(queueOf)),
          textArray(messages.map(({ id }) => id)),
          textArray(messages.map(({ traceparent }) => traceparent ?? '')),
          `{${lengths.join(',')}}`,
          Buffer.concat(messages.map(({ body }) => body)),
        ],
      );
      return [];
    },
  };
}

/** Counts unacknowledged messages, including those delivered to a consumer. */
export async function countQueued(sql: Sql, queue: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM embedded_queue WHERE queue = $1',
    [queue],
  );
  return row?.count ?? 0;
}
