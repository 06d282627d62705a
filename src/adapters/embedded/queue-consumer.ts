import { pause } from '../../lib/backoff.ts';
import { type Database, numberArray } from '../../lib/sql.ts';

export interface QueuedMessage {
  id: string;
  messageId: string;
  body: Buffer;
  traceparent: string | null;
}

const pollMs = 50;

/**
 * Reads one embedded queue; what was not acknowledged in an earlier life comes again. Where there is one session, which
 * commits one thing after the other, it remembers how far it has come; on a server a message may be committed after one
 * with a higher id was read, so it remembers what it has handed out. Two consumers of one queue are both given
 * everything: every consumer must accept repeats anyway.
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

  /** At least one message and at most `count`; none when `signal` aborts first. */
  async take(count: number, signal: AbortSignal): Promise<QueuedMessage[]> {
    while (!signal.aborted) {
      const messages = await this.#database.query<QueuedMessage>(
        `SELECT id::text, message_id AS "messageId", body, traceparent FROM embedded_queue
         WHERE queue = $1 AND id > $2 AND NOT id = ANY ($4::bigint[]) ORDER BY embedded_queue.id LIMIT $3`,
        [this.#queue, this.#cursor, count, `{${[...this.#handedOut].join(',')}}`],
      );
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

  async acknowledge(messages: readonly QueuedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    await this.#database.query('DELETE FROM embedded_queue WHERE id = ANY ($1::bigint[])', [
      numberArray(messages.map(({ id }) => BigInt(id))),
    ]);
    for (const { id } of messages) this.#handedOut.delete(id);
    this.#finished += messages.length;
  }

  /** No broker counts what it hands out, and there is one process: what is in our hands is tried again. */
  hold(): void {}
  resume(): void {}
  handBack(): void {}

  async readProgress(): Promise<{ waiting: number; finished: number }> {
    const [row] = await this.#database.query<{ waiting: string }>(
      'SELECT count(*)::text AS waiting FROM embedded_queue WHERE queue = $1',
      [this.#queue],
    );
    return { waiting: Number(row?.waiting ?? 0), finished: this.#finished };
  }
}
