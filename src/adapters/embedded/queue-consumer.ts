import { pause } from '../../lib/backoff.ts';
import { type Database, numberArray } from '../../lib/sql.ts';

interface QueuedMessage {
  id: string;
  messageId: string;
  body: Buffer;
  traceparent: string | null;
}

const pollMs = 50;

/**
 * Reads one embedded queue; messages that an earlier process did not acknowledge are delivered again. With a
 * single session, which commits one transaction after the other, it remembers its position. On a server a
 * message may be committed after one with a higher id was read, so there it remembers which ones it has
 * delivered. Two consumers of one queue both get every message; consumers must accept repeats anyway.
 */
export class EmbeddedQueueConsumer {
  readonly #database: Database;
  readonly #isOnlyConsumer: boolean;
  readonly #queue: string;
  #cursor = '0';
  readonly #handedOut = new Set<string>();
  #finished = 0;

  constructor(database: Database, queue: string, { isOnlyConsumer }: { isOnlyConsumer: boolean }) {
    this.#database = database;
    this.#isOnlyConsumer = isOnlyConsumer;
    this.#queue = queue;
  }

  /** Returns at least one message and at most `count`; none when `signal` aborts first. */
  async take(count: number, signal: AbortSignal): Promise<QueuedMessage[]> {
    while (!signal.aborted) {
      const messages = await this.#read(count);
      const last = messages.at(-1);
      if (last) {
        if (this.#isOnlyConsumer) this.#cursor = last.id;
        else for (const { id } of messages) this.#handedOut.add(id);
        return messages;
      }
      await pause(pollMs, signal);
    }
    return [];
  }

  /** All messages in one value: PGlite takes longer to read a row than for the rest of it. */
  async #read(count: number): Promise<QueuedMessage[]> {
    const [answer] = await this.#database.query<{
      messages: (Omit<QueuedMessage, 'body'> & { body: string })[];
    }>(
      `SELECT coalesce(json_agg(json_build_object('id', id::text, 'messageId', message_id,
         'body', encode(body, 'hex'), 'traceparent', traceparent) ORDER BY id), '[]') AS messages
       FROM (SELECT * FROM embedded_queue WHERE queue = $1 AND id > $2 AND NOT id = ANY ($4::bigint[])
         ORDER BY id LIMIT $3) AS next`,
      [this.#queue, this.#cursor, count, `{${[...this.#handedOut].join(',')}}`],
    );
    const messages = answer?.messages ?? [];
    return messages.map(({ body, ...message }) => ({ ...message, body: Buffer.from(body, 'hex') }));
  }

  async acknowledge(messages: readonly QueuedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#database.query('DELETE FROM embedded_queue WHERE id = ANY ($1::bigint[])', [
      numberArray(messages.map(({ id }) => BigInt(id))),
    ]);
    for (const { id } of messages) this.#handedOut.delete(id);
    this.#finished += messages.length;
  }

  /**
   * No broker counts deliveries, and there is only one process: delivered messages are simply tried again.
   */
  pause(): void {}
  resume(): void {}
  returnDeliveries(): void {}

  async readProgress(): Promise<{ waiting: number; finished: number }> {
    const [row] = await this.#database.query<{ waiting: string }>(
      'SELECT count(*)::text AS waiting FROM embedded_queue WHERE queue = $1',
      [this.#queue],
    );
    return { waiting: Number(row?.waiting ?? 0), finished: this.#finished };
  }
}
