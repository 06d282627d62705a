import type { InstanceLog, InstanceStatus } from '../../core/instance/instance-log.ts';
import type { InstanceId, ProductId, Source, SourceId, UserId } from '../../core/instance/purchase.ts';

export const instanceLogColumns =
  'instance_id::text, product_id::text, user_id::text, source, source_id, scope, status, reason, created_at, updated_at';

export interface InstanceLogRow {
  instance_id: string;
  product_id: string;
  user_id: string;
  source: string;
  source_id: string;
  scope: string;
  status: InstanceStatus;
  reason: string | null;
  created_at: Date;
  updated_at: Date;
}

export function toInstanceLog(row: InstanceLogRow): InstanceLog {
  return {
    instanceId: BigInt(row.instance_id) as InstanceId,
    productId: BigInt(row.product_id) as ProductId,
    userId: BigInt(row.user_id) as UserId,
    source: row.source as Source,
    sourceId: row.source_id as SourceId,
    scope: row.scope,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
