import type { InstanceStatus } from '../instance/instance-log.ts';
import { type InstanceResult, timedOut } from './result.ts';

/**
 * What became of a result. `applied` and `repeat` agree with the row. `late` came after Weir had given up, `contradicts`
 * after another result: both are recorded with the instance and change nothing. `unknown`: there is no such instance.
 */
export type Settled = 'applied' | 'repeat' | 'late' | 'contradicts' | 'unknown';

/** What a terminal instance was settled with. */
export interface Ending {
  status: InstanceStatus;
  reason: string | null;
  /** null: by Weir, when the last deadline had passed. */
  answeredAt: Date | null;
}

/** A result that meets an instance which is terminal already. */
export function judgeResult(ending: Ending, { status }: InstanceResult): 'repeat' | 'late' | 'contradicts' {
  if (ending.answeredAt === null && ending.reason === timedOut) return 'late';
  return ending.status === status ? 'repeat' : 'contradicts';
}

/** A machine that was built for an instance which is FAILED here has no owner: its buyer has been compensated. */
export function asksForRelease(ending: Ending, result: InstanceResult): boolean {
  return ending.status === 'FAILED' && result.status === 'SUCCESS';
}
