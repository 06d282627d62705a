import type { Static } from 'typebox';
import type { NowShape } from '../../api/now-shape.ts';
import type { Backlog, Now, NowRest, Waiting } from '../../ops/live/now.ts';

export function showNow(now: Now): Static<typeof NowShape> {
  return {
    ...now,
    at: now.at.toISOString(),
    from: now.from.toISOString(),
    waiting: showWaiting(now.waiting),
    audit: now.audit && { ...now.audit, auditedAt: now.audit.auditedAt.toISOString() },
  };
}

/** Shown in a problem: the backlog, and which store is unavailable. */
export function showRest({ waiting, stores }: NowRest) {
  return { waiting: showWaiting(waiting), stores };
}

function showWaiting(waiting: readonly Waiting[]) {
  return waiting.map((each) => ({ ...each, oldestAt: showTime(each.oldestAt) }));
}

function showTime(at: Backlog['oldestAt']): string | null {
  return at?.toISOString() ?? null;
}
