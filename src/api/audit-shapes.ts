import { Type } from 'typebox';
import { Timestamp } from './shapes.ts';

const Text = Type.String();

export const AuditShape = Type.Object({
  ok: Type.Boolean(),
  auditedAt: Timestamp,
  durationMs: Type.Integer(),
  sums: Type.Array(
    Type.Object({
      name: Text,
      /** The sum in words. */
      invariant: Text,
      expected: Type.Number(),
      actual: Type.Number(),
      difference: Type.Number(),
      exceptions: Type.Array(Type.Object({ id: Text, what: Text, advice: Text })),
      /** What the sum does not cover. */
      note: Type.Optional(Text),
    }),
  ),
  /** What is under way, by name. */
  waiting: Type.Record(Text, Type.Integer()),
});
