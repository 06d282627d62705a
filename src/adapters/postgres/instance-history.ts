import type { InstanceId } from '../../core/instance/purchase.ts';
import type { Sql } from '../../lib/sql.ts';

type HistoryKind =
  | 'REPUBLISHED'
  | 'RESULT_LATE'
  | 'RESULT_CONFLICT'
  | 'RELEASE_REQUESTED'
  | 'RELEASE_REQUESTED_AGAIN'
  | 'REFUND_REQUESTED_AGAIN';

/** @returns false when the same entry has been recorded before; republications are recorded each time */
export async function recordHistory(
  sql: Sql,
  instanceId: InstanceId,
  what: HistoryKind,
  detail: string,
  actor: string,
): Promise<boolean> {
  const rows = await sql.query(
    `INSERT INTO instance_history (instance_id, what, detail, actor) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING RETURNING id`,
    [instanceId.toString(), what, detail, actor],
  );
  return rows.length > 0;
}
