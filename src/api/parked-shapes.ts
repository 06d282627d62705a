import { type TSchema, Type } from 'typebox';
import { Timestamp } from './shapes.ts';

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);
const Text = Type.String();
const State = Type.Union([Type.Literal('PARKED'), Type.Literal('REPLAYED'), Type.Literal('DISCARDED')]);

export const ParkedShape = Type.Object({
  id: Text,
  origin: Text,
  reason: Text,
  detail: Text,
  source: Text,
  scope: Text,
  sourceId: Text,
  parkedAt: Timestamp,
  state: State,
  /** Replays that did not resolve it. */
  attempts: Type.Integer(),
  resolvedAt: orNull(Timestamp),
  resolvedBy: orNull(Text),
  resolution: orNull(Text),
  instanceId: orNull(Text),
  advice: Text,
  /** A path in the repository. */
  docs: Text,
});

export const ParkedList = Type.Object({ items: Type.Array(ParkedShape), nextCursor: orNull(Text) });

export const ParkedDetailShape = Type.Object({
  ...ParkedShape.properties,
  kind: Text,
  messageId: Text,
  /** Base64. */
  original: Text,
  originalText: orNull(Text),
});

export const ReplayShape = Type.Object({
  id: Text,
  state: State,
  detail: Text,
  instanceId: orNull(Text),
});

/** Of many: `state` null where the item could not be handled, and `code` says why. */
export const ReplaysShape = Type.Object({
  items: Type.Array(
    Type.Object({
      id: Text,
      state: orNull(State),
      code: Type.Optional(Text),
      detail: Text,
      instanceId: Type.Optional(orNull(Text)),
    }),
  ),
});

export const ParkedGroups = Type.Object({
  items: Type.Array(Type.Object({ reason: Text, origin: Text, count: Type.Integer(), oldestAt: Timestamp })),
});
