import { Type } from 'typebox';
import { closed, Int64, orNull, Timestamp } from './shapes.ts';

const Units = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });
const Rate = Type.Number({ exclusiveMinimum: 0, maximum: 1_000_000 });

export const NewSale = Type.Object(
  {
    productId: Int64,
    stock: Units,
    perUserLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
    startsAt: Type.Optional(Timestamp),
    endsAt: Type.Optional(Timestamp),
    entry: Type.Optional(
      Type.Enum(['open', 'ticket'], {
        default: 'open',
        description: 'ticket: only users with a ticket issued before the start may buy',
      }),
    ),
    admitPerSecond: Type.Optional({
      ...Rate,
      description: 'A waiting room: tickets admit one visitor after the other at this rate',
    }),
  },
  closed,
);

export const SaleChangeBody = Type.Object(
  {
    action: Type.Optional(Type.Enum(['pause', 'resume', 'end'])),
    addStock: Type.Optional(Units),
  },
  { ...closed, minProperties: 1 },
);

export const RestockBody = Type.Object({ since: Type.Optional(Timestamp) }, closed);

export const SaleShape = Type.Object({
  productId: Int64,
  stock: Type.Integer(),
  sold: Type.Integer(),
  remaining: Type.Integer(),
  restocked: Type.Integer(),
  perUserLimit: Type.Integer(),
  startsAt: orNull(Timestamp),
  endsAt: orNull(Timestamp),
  entry: Type.String(),
  admitPerSecond: orNull(Type.Number()),
  tickets: Type.Integer(),
  state: Type.Union([
    Type.Literal('SCHEDULED'),
    Type.Literal('OPEN'),
    Type.Literal('PAUSED'),
    Type.Literal('SOLD_OUT'),
    Type.Literal('ENDED'),
  ]),
});

export const SaleList = Type.Object({
  items: Type.Array(SaleShape),
  nextCursor: orNull(Int64),
});
