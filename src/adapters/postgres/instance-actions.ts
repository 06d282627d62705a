import type { Actor } from '../../core/actor.ts';
import type { InstanceId } from '../../core/instance/purchase.ts';
import { WeirError } from '../../errors.ts';
import type { Database } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { releaseInstance } from './releases.ts';
import { type PublishedRow, publishedColumns, republish } from './republish.ts';

/** What an operator may request for one instance. `deadlineMs`: as the rescuer has it. */
export function postgresInstanceActions(database: Database, { deadlineMs }: { deadlineMs: number }) {
  return {
    retryInstance: (instanceId: InstanceId, actor: Actor) =>
      retryInstance(database, instanceId, deadlineMs, actor),
    releaseInstance: (instanceId: InstanceId, actor: Actor) => releaseInstance(database, instanceId, actor),
  };
}

/**
 * A republication requested by an operator, with a deadline of its own.
 *
 * @returns false when there is no such instance
 * @throws WeirError INSTANCE_SETTLED, PRODUCT_NOT_FOUND
 */
async function retryInstance(
  database: Database,
  instanceId: InstanceId,
  deadlineMs: number,
  actor: Actor,
): Promise<boolean> {
  return database.transaction(async (sql) => {
    // Locks the deadline before the instance, in the same order as the rescuer, so that the two cannot
    // deadlock.
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
    if (lost.length > 0)
      throw new WeirError('PRODUCT_NOT_FOUND', `product ${row.product_id} no longer exists`);
    await recordActivity(sql, actor, {
      action: 'INSTANCE_REPUBLISHED',
      subjectId: instanceId.toString(),
      after: { dueAt: deadline?.due_at },
    });
    return true;
  });
}
