import type { Actor } from '../../core/actor.ts';
import { createReleaseRequest } from '../../core/compensation/request-messages.ts';
import type { InstanceId, UserId } from '../../core/instance/purchase.ts';
import type { HistoryCause } from '../../core/instance/timeline.ts';
import { WeirError } from '../../errors.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { enqueue } from './enqueue.ts';
import { recordHistory } from './instance-history.ts';
import { isWaiting } from './outbox-state.ts';

/** An instance whose machine has no owner. */
interface OwnerlessInstance {
  instanceId: InstanceId;
  userId: UserId;
}

/**
 * Requests the release of these machines in the caller's transaction. The history row makes it once per
 * instance, and its time is the message's, so that the same bytes can be produced again.
 */
export async function requestReleases(
  sql: Sql,
  instances: readonly OwnerlessInstance[],
  cause: HistoryCause,
  actor: string,
): Promise<void> {
  if (instances.length === 0) return;
  const requested = await sql.query<{ instance_id: string; user_id: string; at: Date }>(
    `WITH input AS (
       SELECT * FROM unnest($1::bigint[], $2::text[]) AS t (instance_id, user_id)
     ), recorded AS (
       INSERT INTO instance_history (instance_id, what, detail, actor)
       SELECT instance_id, 'RELEASE_REQUESTED', $3, $4 FROM input ORDER BY instance_id
       ON CONFLICT DO NOTHING RETURNING instance_id, at
     )
     SELECT instance_id::text, user_id, at FROM recorded JOIN input USING (instance_id)`,
    [
      numberArray(instances.map(({ instanceId }) => instanceId)),
      textArray(instances.map(({ userId }) => userId.toString())),
      cause,
      actor,
    ],
  );
  await enqueue(
    sql,
    'RELEASE',
    requested.map(({ instance_id, user_id, at }) =>
      createReleaseRequest(BigInt(instance_id), BigInt(user_id) as UserId, at.getTime()),
    ),
  );
}

/**
 * An operator's request to release the machine of a failed instance; a repeat sends the same id and bytes.
 * While the previous message waits in the outbox no second one is added.
 *
 * @returns false when there is no such instance
 * @throws WeirError INSTANCE_NOT_RELEASABLE
 */
export function releaseInstance(database: Database, instanceId: InstanceId, actor: Actor): Promise<boolean> {
  return database.transaction(async (sql) => {
    // The lock prevents two operators from both sending it again.
    const [row] = await sql.query<{ status: string; user_id: string }>(
      'SELECT status, user_id::text FROM instance_logs WHERE instance_id = $1 FOR UPDATE',
      [instanceId.toString()],
    );
    if (!row) return false;
    if (row.status !== 'FAILED') {
      throw new WeirError('INSTANCE_NOT_RELEASABLE', `instance ${instanceId} is ${row.status}`);
    }
    const userId = BigInt(row.user_id) as UserId;
    const [earlier] = await sql.query<{ at: Date }>(
      "SELECT at FROM instance_history WHERE instance_id = $1 AND what = 'RELEASE_REQUESTED'",
      [instanceId.toString()],
    );
    const record = (isFirst: boolean) =>
      recordActivity(sql, actor, {
        action: 'INSTANCE_RELEASE_REQUESTED',
        subjectId: instanceId.toString(),
        after: { isFirst },
      });
    if (!earlier) {
      await requestReleases(sql, [{ instanceId, userId }], 'ON_REQUEST', actor.name);
      await record(true);
      return true;
    }
    const message = createReleaseRequest(instanceId, userId, earlier.at.getTime());
    if (await isWaiting(sql, 'RELEASE', message.id)) return true;
    await recordHistory(sql, instanceId, 'RELEASE_REQUESTED_AGAIN', 'ON_REQUEST', actor.name);
    await enqueue(sql, 'RELEASE', [message]);
    await record(false);
    return true;
  });
}
