import { Type } from 'typebox';
import { closed, countedList, ExportQuery, orNull, storable, Timestamp, TimeText } from './shapes.ts';

const Text = Type.String();
const Fields = orNull(Type.Record(Type.String(), Type.Unknown()));
const NameText = Type.String({ minLength: 1, maxLength: 512, ...storable });

/** One change by an operator. Its action names the kind of its subject. */
export const ActivityShape = Type.Object({
  id: Text,
  at: Timestamp,
  /** The name of the key; of a local command the user of the operating system. */
  actor: Text,
  keyId: orNull(Text),
  via: Type.Union([Type.Literal('http'), Type.Literal('cli')]),
  action: Text,
  subject: Type.Object({ kind: Text, id: Text }),
  /** Only the fields that changed. */
  before: Fields,
  after: Fields,
  requestId: orNull(Text),
});

export const ActivityList = countedList(ActivityShape);

/** Every filter narrows. `actions` and `kinds`: those that there are. */
export const activityQuery = <Action extends string, Kind extends string>(
  actions: readonly Action[],
  kinds: readonly Kind[],
) =>
  Type.Object(
    {
      actor: Type.Optional(NameText),
      action: Type.Optional(Type.Enum([...actions])),
      subject: Type.Optional(Type.Enum([...kinds])),
      subjectId: Type.Optional(NameText),
      from: Type.Optional(TimeText),
      to: Type.Optional(TimeText),
      ...ExportQuery,
    },
    closed,
  );
