import { Type } from 'typebox';
import { Timestamp } from './shapes.ts';

const Text = Type.String();

/** Counts are decimal strings, as PostgreSQL's bigint. */
export const SourcesShape = Type.Object({
  items: Type.Array(
    Type.Object({
      source: Text,
      total: Text,
      success: Text,
      failed: Text,
      processing: Text,
      /** Per cent with two decimals, of all. */
      successRate: Text,
    }),
  ),
});

export const TrendShape = Type.Object({
  minutes: Type.Optional(Type.Integer()),
  from: Timestamp,
  to: Timestamp,
  step: Type.Union([Type.Literal('minute'), Type.Literal('hour'), Type.Literal('day')]),
  items: Type.Array(
    Type.Object({ bucketStart: Timestamp, source: Text, count: Text, success: Text, failed: Text }),
  ),
});
