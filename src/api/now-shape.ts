import { type Static, type TSchema, Type } from 'typebox';
import type { Backlog, Now, NowRest, Waiting } from '../ops/live/now.ts';

const Timestamp = Type.String({ format: 'date-time' });
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const Counts = Type.Array(Type.Integer());
const Text = Type.String();

export const NowShape = Type.Object({
  at: Timestamp,
  from: Timestamp,
  seconds: Type.Integer(),
  series: Type.Array(Type.Object({ source: Text, purchases: Counts, instances: Counts, failed: Counts })),
  events: Type.Array(orNull(Type.Integer())),
  sources: Type.Array(
    Type.Object({
      source: Text,
      total: Text,
      success: Text,
      failed: Text,
      processing: Text,
      successRate: orNull(Text),
    }),
  ),
  delay: orNull(Type.Object({ count: Type.Integer(), p50Ms: Type.Integer(), p99Ms: Type.Integer() })),
  waiting: Type.Array(
    Type.Object({ what: Text, count: orNull(Type.Integer()), oldestAt: orNull(Timestamp) }),
  ),
  stores: Type.Array(Type.Object({ name: Text, kind: Text, ok: orNull(Type.Boolean()), why: orNull(Text) })),
  intakePaused: Type.Boolean(),
  audit: orNull(Type.Object({ ok: Type.Boolean(), auditedAt: Timestamp, exceptions: Type.Integer() })),
});

export function showNow(now: Now): Static<typeof NowShape> {
  return {
    ...now,
    at: now.at.toISOString(),
    from: now.from.toISOString(),
    waiting: showWaiting(now.waiting),
    audit: now.audit && { ...now.audit, auditedAt: now.audit.auditedAt.toISOString() },
  };
}

/** In a problem: which store it is. */
export function showRest({ waiting, stores }: NowRest) {
  return { waiting: showWaiting(waiting), stores };
}

function showWaiting(waiting: readonly Waiting[]) {
  return waiting.map((each) => ({ ...each, oldestAt: showTime(each.oldestAt) }));
}

function showTime(at: Backlog['oldestAt']): string | null {
  return at?.toISOString() ?? null;
}
