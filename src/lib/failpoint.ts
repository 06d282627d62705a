/**
 * Named points at which a test may kill this process, like a power cut: no cleanup, no flush. Armed only by
 * `WEIR_FAILPOINTS=name[:hit],…`; `hit` counts from 1, so `after-commit:3` exits at the third.
 */
const armed = new Map(
  (process.env.WEIR_FAILPOINTS ?? '')
    .split(',')
    .filter(Boolean)
    .map((entry) => {
      const [name = '', hit = '1'] = entry.split(':');
      return [name, Number(hit)] as const;
    }),
);

export type FailpointName =
  | 'before-insert'
  | 'after-insert'
  | 'after-commit'
  | 'before-acknowledge'
  | 'after-publish'
  | 'after-confirm'
  | 'after-delete'
  | 'after-park'
  | 'before-settle'
  | 'after-settle'
  | 'after-restock'
  | 'after-republish'
  | 'before-refund-request'
  | 'after-replay'
  | 'before-job-step'
  | 'after-archive'
  | 'after-activity'
  | 'after-buy';

/** Does nothing unless armed; costs one size check. */
export function failpoint(name: FailpointName): void {
  if (armed.size === 0) return;
  const hitsLeft = armed.get(name);
  if (hitsLeft === undefined) return;
  if (hitsLeft <= 1) process.kill(process.pid, 'SIGKILL');
  armed.set(name, hitsLeft - 1);
}

/**
 * Exits after everything started in this turn of the event loop has been sent: a request is in flight,
 * unanswered.
 */
export function failpointInFlight(name: FailpointName): void {
  if (armed.has(name)) setImmediate(() => failpoint(name));
}
