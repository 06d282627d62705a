import type { JobAction, NewParkedJob } from '../../core/parked/parked-job.ts';
import type { Change } from './activity.ts';

export function describeJobStart(
  jobId: string,
  { action, filter, note }: NewParkedJob,
  matched: number | undefined,
): Change {
  return { action: 'PARKED_JOB_STARTED', subjectId: jobId, after: { action, ...filter, note, matched } };
}

const actionOf = { replay: 'PARKED_JOB_REPLAYED', discard: 'PARKED_JOB_DISCARDED' } as const;

/**
 * The items that one step resolved, in order of id. One record for each of 1,000,000 would be a gigabyte, and bury the log;
 * consecutive ids are one text, such as `17-240`.
 */
export function describeJobItems(jobId: string, action: JobAction, ids: readonly string[]): Change {
  const after = { count: ids.length, items: toRanges(ids) };
  return { action: actionOf[action], subjectId: jobId, after };
}

export function describeJobEnd(
  jobId: string,
  action: 'PARKED_JOB_ENDED' | 'PARKED_JOB_ABORTED',
  counts: { done: string; failed: string },
): Change {
  const state = action === 'PARKED_JOB_ENDED' ? 'DONE' : 'ABORTED';
  const { done, failed } = counts;
  return {
    action,
    subjectId: jobId,
    before: { state: 'RUNNING' },
    after: { state, done: Number(done), failed: Number(failed) },
  };
}

function toRanges(ids: readonly string[]): string[] {
  const ranges: { first: bigint; last: bigint }[] = [];
  for (const id of ids.map(BigInt)) {
    const open = ranges.at(-1);
    if (open && id === open.last + 1n) open.last = id;
    else ranges.push({ first: id, last: id });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
}
