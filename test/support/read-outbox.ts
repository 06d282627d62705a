import { decodeBatch, type Message } from '../../src/core/outbox/outbox-batch.ts';
import type { Sql } from '../../src/lib/sql.ts';

/** The waiting messages, oldest first. */
export async function readOutbox(sql: Sql): Promise<Message[]> {
  const batches = await sql.query<{ batch: Buffer }>('SELECT batch FROM outbox ORDER BY id');
  return batches.flatMap(({ batch }) => decodeBatch(batch));
}
