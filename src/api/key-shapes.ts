import { Type } from 'typebox';
import { closed, orNull, Timestamp } from './shapes.ts';

export const ScopeText = Type.Enum(['read', 'act', 'admin']);

export const keyNamePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';

export const NewKey = Type.Object(
  {
    name: Type.String({
      pattern: keyNamePattern,
      description: '1 to 64 letters, digits, ".", "_" and "-"',
      examples: ['shop-backend'],
    }),
    scope: ScopeText,
    expiresAt: Type.Optional(Timestamp),
  },
  closed,
);

const OrNever = orNull(Timestamp);
export const KeyShape = Type.Object({
  id: Type.String(),
  name: Type.String(),
  scope: ScopeText,
  createdAt: Timestamp,
  createdBy: Type.String(),
  lastUsedAt: OrNever,
  expiresAt: OrNever,
  revokedAt: OrNever,
  revokedBy: orNull(Type.String()),
});
export const MadeKeyShape = Type.Object({
  ...KeyShape.properties,
  key: Type.String({ description: 'shown once' }),
});
export const KeyList = Type.Object({ items: Type.Array(KeyShape), nextCursor: Type.Null() });
