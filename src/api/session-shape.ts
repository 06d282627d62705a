import { Type } from 'typebox';
import { ScopeText } from './key-shapes.ts';
import { closed, Timestamp } from './shapes.ts';

export const Login = Type.Object(
  { key: Type.String({ minLength: 1, maxLength: 512, writeOnly: true }) },
  closed,
);
export const SessionShape = Type.Object({
  name: Type.String(),
  scopes: Type.Array(ScopeText),
  expiresAt: Type.Union([Timestamp, Type.Null()], { description: 'null: no session, but a key or none' }),
  open: Type.Boolean({ description: 'no key exists, so every caller is an admin' }),
});
