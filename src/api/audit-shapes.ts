import { Type } from 'typebox';
import { StatementShape, Timestamp } from './shapes.ts';

const Text = Type.String();

export const AuditShape = Type.Object({
  ok: Type.Boolean(),
  auditedAt: Timestamp,
  durationMs: Type.Integer(),
  sums: Type.Array(
    Type.Object({
      name: Text,
      expected: Type.Number(),
      actual: Type.Number(),
      difference: Type.Number(),
      exceptions: Type.Array(Type.Object({ id: Text, ...StatementShape.properties })),
      /** What the sum does not cover. */
      note: Type.Optional(StatementShape),
    }),
  ),
  /** Work in progress, by name. */
  waiting: Type.Record(Text, Type.Integer()),
});
