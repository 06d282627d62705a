import { Type } from 'typebox';
import { closed, InstanceShape, Int64, Timestamp } from './shapes.ts';
import { TicketText } from './ticket-shapes.ts';

export const BuyBody = Type.Object({ userId: Int64, ticket: Type.Optional(TicketText) }, closed);

export const BoughtShape = Type.Object({
  streamId: Type.String(),
  productId: Int64,
  userId: Int64,
  /** Where to ask what becomes of it; the header Location says it as well. */
  purchase: Type.String(),
});

const states = ['WAITING', 'CREATED', 'SUCCESS', 'FAILED', 'PARKED', 'DISCARDED'] as const;
const OrNull = { anyOf: [Type.Integer(), Type.Null()] };

export const ProgressShape = Type.Object({
  streamId: Type.String(),
  productId: Int64,
  state: Type.Enum([...states]),
  place: Type.Optional(Type.Unsafe<number | null>(OrNull)),
  estimateMs: Type.Optional(Type.Unsafe<number | null>(OrNull)),
  instance: Type.Optional(InstanceShape),
  restocked: Type.Optional(Type.Object({ status: Type.String(), at: Timestamp })),
  reason: Type.Optional(Type.String()),
  advice: Type.Optional(Type.String()),
  parkedAt: Type.Optional(Timestamp),
});

export const ProgressQuery = Type.Object(
  {
    wait: Type.Optional(Type.String({ pattern: '^([1-9]|[12][0-9])$', description: '1 to 29 seconds' })),
    ticket: Type.Optional({
      ...TicketText,
      description: '1 to 128 characters; access logs record it: prefer the header weir-ticket',
    }),
    userId: Type.Optional({ ...Int64, description: 'Answers 404 unless the purchase is of this user' }),
    after: Type.Optional(
      Type.Enum([...states], {
        description: 'The state that is known already; with it, `wait` is 20 by default',
      }),
    ),
  },
  closed,
);
