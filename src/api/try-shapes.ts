import { Type } from 'typebox';
import { closed, Int64 } from './shapes.ts';

export const TryShape = Type.Object({ enabled: Type.Boolean() });

export const Buyers = Type.Object(
  {
    productId: Int64,
    firstUserId: Int64,
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1 })),
  },
  closed,
);

export const Failing = Type.Object({ instanceId: Int64 }, closed);
export const FailingShape = Type.Object({ fails: Type.Boolean() });
