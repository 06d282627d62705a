import { Type } from 'typebox';
import { orNull } from './shapes.ts';

export const AboutShape = Type.Object({
  /** The name of the environment; empty: it has none. */
  name: Type.String(),
  version: Type.String(),
  /** With `{instanceId}` in it; null: traces are not linked. */
  traceUrl: orNull(Type.String()),
});
