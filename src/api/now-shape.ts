import { Type } from 'typebox';
import { orNull, StatementShape, Timestamp } from './shapes.ts';

const Counts = Type.Array(Type.Integer());
const Text = Type.String();
const Place = Type.String({ description: 'stream, outbox, processing, overdue, parked or refunds' });

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
    Type.Object({ what: Place, count: orNull(Type.Integer()), oldestAt: orNull(Timestamp) }),
  ),
  stores: Type.Array(
    Type.Object({ name: Text, kind: Text, ok: orNull(Type.Boolean()), why: orNull(StatementShape) }),
  ),
  intakePaused: Type.Boolean(),
  audit: orNull(Type.Object({ ok: Type.Boolean(), auditedAt: Timestamp, exceptions: Type.Integer() })),
});
