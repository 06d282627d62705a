import type { InstanceId, Purchase } from './purchase.ts';

export type InstanceStatus = 'PROCESSING' | 'SUCCESS' | 'FAILED';

/** One row of instance_logs: the purchase and its result. */
export interface InstanceLog extends Omit<Purchase, 'traceparent' | 'payment'> {
  instanceId: InstanceId;
  status: InstanceStatus;
  createdAt: Date;
  updatedAt: Date;
  /** The reason of the failure. */
  reason?: string;
  /** true when the row was archived; only these fields are kept. */
  archived?: boolean;
}
