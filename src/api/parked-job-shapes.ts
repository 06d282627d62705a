import { Type } from 'typebox';
import {
  closed,
  countedList,
  ListQuery,
  orNull,
  ReasonText,
  StatementShape,
  storable,
  Timestamp,
} from './shapes.ts';

const Text = Type.String();
const Action = Type.Enum(['replay', 'discard']);
const State = Type.Enum(['RUNNING', 'DONE', 'ABORTED']);

/** The filters of a list of parked items, except the state. */
export const parkedFilter = <Origin extends string>(origins: readonly Origin[]) => ({
  origin: Type.Optional(Type.Enum([...origins])),
  reason: Type.Optional(
    Type.String({ pattern: '^[A-Z_]{1,40}$', description: 'a code such as PRODUCT_NOT_FOUND' }),
  ),
  source: Type.Optional(Type.String({ maxLength: 20, ...storable })),
  scope: Type.Optional(Type.String({ maxLength: 512, ...storable })),
  sourceId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      ...storable,
      description: 'the id of the entry, order or event',
    }),
  ),
});

/** `filter` `{}`: everything that is parked. `state` may say so, as the filter of a list does. */
export const newParkedJob = <Origin extends string>(origins: readonly Origin[]) =>
  Type.Object(
    {
      action: Action,
      filter: Type.Object({ ...parkedFilter(origins), state: Type.Optional(Type.Literal('PARKED')) }, closed),
      note: Type.Optional(ReasonText),
    },
    closed,
  );

export const ParkedJobShape = Type.Object({
  id: Text,
  action: Action,
  filter: Type.Record(Type.String(), Type.String()),
  note: orNull(Text),
  state: State,
  createdAt: Timestamp,
  createdBy: Text,
  /** null: not counted yet. */
  matched: orNull(Type.Integer()),
  done: Type.Integer(),
  failed: Type.Integer(),
  /** When the job is done: items that others had resolved. */
  skipped: Type.Integer(),
  remaining: orNull(Type.Integer()),
  endedAt: orNull(Timestamp),
  /** Who aborted it. */
  endedBy: orNull(Text),
});

export const ParkedJobList = Type.Object({ items: Type.Array(ParkedJobShape), nextCursor: orNull(Text) });

export const ParkedJobQuery = Type.Object({ state: Type.Optional(State), ...ListQuery }, closed);

/** Items that a job could not resolve: the code, its values, and its text in English. */
export const FailedItemShape = Type.Object({ id: Text, ...StatementShape.properties, detail: Text });

export const FailedItemList = countedList(FailedItemShape);
