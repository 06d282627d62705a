import { Type } from 'typebox';

export const HealthShape = Type.Object({ status: Type.Literal('ok') });

/** The status and the state of each store that this process needs. */
export const ReadinessShape = Type.Object(
  { status: Type.Union([Type.Literal('ready'), Type.Literal('waiting'), Type.Literal('stopping')]) },
  { additionalProperties: Type.String() },
);
