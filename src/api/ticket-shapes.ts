import { Type } from 'typebox';
import { closed, Int64, Timestamp } from './shapes.ts';

export const TicketText = Type.String({ minLength: 1, maxLength: 128 });

export const TicketBody = Type.Object(
  {
    userId: Int64,
    unit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_000_000,
        default: 1,
        description:
          'Number of the unit of this user, up to the limit of the sale: one ticket is one purchase',
      }),
    ),
  },
  closed,
);

export const TicketShape = Type.Object({
  ticket: TicketText,
  productId: Int64,
  userId: Int64,
  unit: Type.Integer(),
  admittedAt: Timestamp,
});

export const StandingShape = Type.Object({
  ...TicketShape.properties,
  state: Type.Enum(['WAITING', 'ADMITTED']),
  place: Type.Integer(),
  estimateMs: Type.Integer(),
});

export const TicketHeader = Type.Object({ 'weir-ticket': Type.Optional(TicketText) });
