import type { BatchKind } from '../../core/outbox/outbox.ts';
import { encodeMessage, type Message } from '../../core/outbox/outbox-batch.ts';
import type { Sql } from '../../lib/sql.ts';

/** 500 messages of 200 bytes are 100 KiB; a batch should stay below 256 KiB. */
const messagesPerBatch = 500;

/** Writes messages to the outbox in the caller's transaction, as batches of at most `messagesPerBatch`. */
export async function enqueue(sql: Sql, kind: BatchKind, messages: readonly Message[]): Promise<void> {
  for (let from = 0; from < messages.length; from += messagesPerBatch) {
    const part = messages.slice(from, from + messagesPerBatch);
    await sql.query('INSERT INTO outbox (events, batch, kind) VALUES ($1, $2, $3)', [
      part.length,
      Buffer.concat(part.map(encodeMessage)),
      kind,
    ]);
  }
}
