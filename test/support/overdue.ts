import { postgresOverdue } from '../../src/adapters/postgres/overdue.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { type QueueReading, Rescuer } from '../../src/core/results/rescuer.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createProduct, readWaiting } from './parts.ts';

export const deadlineMs = 60_000;

/** A product, and a way that has been clear since now, as every process would find it. */
export async function prepareWay(database: Database): Promise<void> {
  await createProduct(database);
  await database.query('UPDATE overdue_cursor SET clear_since = now(), checked_at = now()');
}

const oneReader = { ready: 0, consumers: 1 };

/** `publications` before an instance is given up. */
export function createRescuer(
  database: Database,
  maxPublications: number,
  { hasCaughtUp = true, calmMs = 0, queue = oneReader as QueueReading | QueueReading[] } = {},
): Rescuer {
  return new Rescuer(
    {
      rows: postgresOverdue(database),
      readQueues: async () => [queue].flat(),
      hasCaughtUp: async () => hasCaughtUp,
      onHandled() {},
      onFailure(error) {
        throw error;
      },
    },
    { deadlineMs, maxPublications, everyMs: 1_000, calmMs },
  );
}

/** Shifts all times as if everything so far had happened an hour earlier. */
export async function letAnHourPass(database: Database): Promise<void> {
  await database.query("UPDATE instance_logs SET created_at = created_at - interval '1 hour'");
  await database.query("UPDATE overdue SET due_at = due_at - interval '1 hour'");
  await database.query("UPDATE outbox SET created_at = created_at - interval '1 hour'");
  await database.query("UPDATE outbox_marks SET at = at - interval '1 hour'");
  await letWayPass(database, '1 hour');
}

/** Shifts the state as if a process had been checking the way since then. */
export async function letWayPass(database: Database, interval: string): Promise<void> {
  await database.query(
    `UPDATE overdue_cursor SET clear_since = clear_since - interval '${interval}',
       blocked_since = blocked_since - interval '${interval}'`,
  );
}

/** The broker has confirmed everything: half an hour ago once an hour has passed. */
export async function publishAll(database: Database) {
  const messages = await readWaiting(database);
  await database.query('DELETE FROM outbox');
  await database.query(
    "INSERT INTO outbox_marks VALUES (now() + interval '30 minutes', 0, NULL) ON CONFLICT DO NOTHING",
  );
  return messages;
}

export async function readStatus(database: Database, instanceId: InstanceId) {
  const [row] = await database.query<{ status: string; reason: string | null }>(
    'SELECT status, reason FROM instance_logs WHERE instance_id = $1',
    [instanceId.toString()],
  );
  return row;
}
