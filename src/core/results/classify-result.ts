import type { InstanceStatus } from '../instance/instance-log.ts';
import { type InstanceResult, timedOut } from './result.ts';

/**
 * The effect of a result. `applied` and `repeat` agree with the row. `late` arrived after the timeout,
 * `contradicts` after another result: both are recorded and change nothing. `unknown`: no such instance.
 */
export type Settled = 'applied' | 'repeat' | 'late' | 'contradicts' | 'unknown';

/** The result that a terminal instance was settled with. */
export interface Ending {
  status: InstanceStatus;
  reason: string | null;
  /** null: Weir timed it out after the last deadline. */
  answeredAt: Date | null;
}

/** Classifies a result for an instance that is already terminal. */
export function classifyResult(
  ending: Ending,
  { status }: InstanceResult,
): 'repeat' | 'late' | 'contradicts' {
  if (ending.answeredAt === null && ending.reason === timedOut) return 'late';
  return ending.status === status ? 'repeat' : 'contradicts';
}

/**
 * Whether the result reports a machine for an instance that is FAILED: the buyer has been compensated, so it
 * has no owner.
 */
export function asksForRelease(ending: Ending, result: InstanceResult): boolean {
  return ending.status === 'FAILED' && result.status === 'SUCCESS';
}
