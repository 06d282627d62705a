import { Type } from 'typebox';
import { countedList, orNull, StatementShape, Timestamp } from './shapes.ts';

const Text = Type.String();
const State = Type.Union([Type.Literal('PARKED'), Type.Literal('REPLAYED'), Type.Literal('DISCARDED')]);

export const ParkedShape = Type.Object({
  id: Text,
  origin: Text,
  reason: Text,
  /** The values of the reason's sentence. */
  params: StatementShape.properties.params,
  /** The reason in English, for readers of the raw answer. */
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
  resolution: orNull(StatementShape),
  instanceId: orNull(Text),
  /** The job that resolved it. */
  jobId: orNull(Text),
  advice: Text,
  /** A path in the repository. */
  docs: Text,
});

export const ParkedList = countedList(ParkedShape);

export const ParkedDetailShape = Type.Object({
  ...ParkedShape.properties,
  kind: Text,
  messageId: Text,
  /** Base64. */
  original: Text,
  originalText: orNull(Text),
});

/**
 * `code` and `params`: how the item was resolved; of one that stays parked, or could not be handled (`state` null), the error,
 * with its text in English as `detail`.
 */
export const ReplayShape = Type.Object({
  id: Text,
  state: orNull(State),
  ...StatementShape.properties,
  detail: Type.Optional(Text),
  instanceId: orNull(Text),
});

export const ReplaysShape = Type.Object({ items: Type.Array(ReplayShape) });

export const ParkedGroups = Type.Object({
  items: Type.Array(Type.Object({ reason: Text, origin: Text, count: Type.Integer(), oldestAt: Timestamp })),
});
