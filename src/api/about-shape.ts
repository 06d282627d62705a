import { Type } from 'typebox';

export const AboutShape = Type.Object({
  /** Of the environment; empty: it has none. */
  name: Type.String(),
  version: Type.String(),
  /** With `{instanceId}` in it; null: traces are not linked. */
  traceUrl: Type.Union([Type.String(), Type.Null()]),
});
