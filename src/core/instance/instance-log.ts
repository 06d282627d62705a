import type { InstanceId, Purchase } from './purchase.ts';

export type InstanceStatus = 'PROCESSING' | 'SUCCESS' | 'FAILED';

/** One row of instance_logs: the purchase and what became of it. */
export interface InstanceLog extends Omit<Purchase, 'traceparent' | 'payment'> {
  instanceId: InstanceId;
  status: InstanceStatus;
  createdAt: Date;
  updatedAt: Date;
  /** Why it failed. */
  reason?: string;
  /** Its row was moved to the archive; this is what is kept of it. */
  archived?: boolean;
}
