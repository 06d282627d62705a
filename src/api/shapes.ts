import { type TSchema, Type } from 'typebox';

/** For requests: an unknown field is an error. */
export const closed = { additionalProperties: false };
export const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

// A description completes “… must be”: describeMistakes() completes the sentence for a caller that sent something else.

/** 1 … 2^63−1 as a decimal string: JSON numbers lose digits above 2^53. The range is checked where it is parsed. */
export const Int64 = Type.String({
  pattern: '^[1-9][0-9]{0,18}$',
  description: 'an integer from 1 to 9223372036854775807',
  examples: ['1001'],
});
export const SourceText = Type.String({
  pattern: '^[A-Z][A-Z0-9_]{0,19}$',
  description: '1 to 20 of A-Z, 0-9 and _, beginning with a letter',
  examples: ['ACTIVITY'],
});
export const SourceIdText = Type.String({ minLength: 1, maxLength: 64, examples: ['ACT123456'] });
export const aTime = 'a time with its zone, such as 2026-11-27T20:00:00Z';
/** ISO 8601. */
export const TimeText = Type.String({
  format: 'date-time',
  description: aTime,
  examples: ['2026-11-27T20:00:00Z'],
});
export const Timestamp = TimeText;
const Cents = Type.String({
  pattern: '^(0|[1-9][0-9]{0,17})$',
  description: 'a whole number of cents, such as 19900',
  examples: ['19900'],
});
/** No controls, no lone surrogates: neither PostgreSQL nor protobuf could carry them. */
export const printable = { pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]+$', description: 'printable text in one line' };
/** No NUL, no lone surrogates: PostgreSQL could not even be asked for such text. */
export const storable = {
  pattern: '^[^\\u0000\\p{Cs}]*$',
  description: 'text without NUL and halves of characters',
};
/** Why an operator did something: on record with it. */
export const ReasonText = Type.String({
  minLength: 1,
  maxLength: 500,
  pattern: '^[^\\u0000\\p{Cs}]*[^\\s\\u0000\\p{Cs}][^\\u0000\\p{Cs}]*$',
  description: 'more than blanks',
});

export const InstanceShape = Type.Object({
  instanceId: Int64,
  productId: Int64,
  userId: Int64,
  source: Type.String(),
  sourceId: Type.String(),
  scope: Type.String(),
  status: Type.Union([Type.Literal('PROCESSING'), Type.Literal('SUCCESS'), Type.Literal('FAILED')]),
  /** Why it failed; only then. */
  reason: Type.Optional(Type.String()),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  /** Only where its row was moved to the archive. */
  archived: Type.Optional(Type.Boolean()),
});

const NextCursor = orNull(Type.String());

/** A page of a list that may be long, with the total where the request had `total=true`. */
export function countedList<Item extends TSchema>(item: Item) {
  return Type.Object({
    items: Type.Array(item),
    nextCursor: NextCursor,
    /** How many items the filter matches; `isExact` false: more than `count`. Missing where counting would be slow. */
    total: Type.Optional(Type.Object({ count: Type.Integer(), isExact: Type.Boolean() })),
  });
}

export const InstanceList = countedList(InstanceShape);

/** A code with the values of its sentence, which src/api/sentences.ts has in English. */
export const StatementShape = Type.Object({
  code: Type.String(),
  params: Type.Record(Type.String(), Type.String()),
});

export const TimelineShape = Type.Object({
  ...InstanceShape.properties,
  timeline: Type.Array(
    Type.Object({
      at: Timestamp,
      step: Type.String(),
      detail: orNull(StatementShape),
      by: StatementShape,
    }),
  ),
});

export const NewPurchase = Type.Object(
  {
    source: SourceText,
    sourceId: SourceIdText,
    scope: Type.Optional(Type.String({ maxLength: 512, ...storable })),
    productId: Int64,
    userId: Int64,
  },
  closed,
);

export const NewProductBody = Type.Object(
  {
    id: Int64,
    name: Type.String({ minLength: 1, maxLength: 100, ...printable }),
    cpus: Type.Integer({ minimum: 1, maximum: 2147483647 }),
    memoryMb: Type.Integer({ minimum: 1, maximum: 2147483647 }),
    gpu: Type.Optional(Type.Integer({ minimum: 0, maximum: 2147483647, default: 0 })),
    image: Type.String({ minLength: 1, maxLength: 200, ...printable }),
    priceCents: Type.Optional(Cents),
    enabled: Type.Optional(Type.Boolean({ default: true })),
  },
  closed,
);

export const ProductShape = Type.Object({
  ...NewProductBody.properties,
  gpu: Type.Integer(),
  priceCents: Cents,
  enabled: Type.Boolean(),
});

export const ProductList = Type.Object({ items: Type.Array(ProductShape), nextCursor: NextCursor });

export const NewOrderBody = Type.Object({ productId: Int64, userId: Int64 }, closed);

export const OrderShape = Type.Object({
  id: Type.String(),
  productId: Int64,
  userId: Int64,
  status: Type.String(),
  amountCents: Cents,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  paidAt: orNull(Timestamp),
  expiresAt: orNull(Timestamp),
});

export const PaymentShape = Type.Object({
  paymentId: orNull(Type.String()),
  webhookId: orNull(Type.String()),
  amountCents: orNull(Cents),
  paidAt: orNull(Timestamp),
  recordedAt: Timestamp,
  outcome: Type.String(),
  refundedAt: orNull(Timestamp),
});

export const RefundShape = Type.Object({
  orderId: Type.String(),
  /** The payment that goes back; null where its callback did not name it. */
  paymentId: orNull(Type.String()),
  amountCents: orNull(Cents),
  reason: Type.String(),
  requestedAt: Timestamp,
  refundedAt: orNull(Timestamp),
});

/** The answer to a payment callback whose money is refunded. */
export const RequestedRefundShape = Type.Object({
  outcome: Type.Literal('refund requested'),
  ...RefundShape.properties,
});

/** The answer to a payment callback that is parked, or was discarded by an operator. */
export const ParkedPaymentShape = Type.Object({
  outcome: Type.Literal('parked'),
  orderId: Type.String(),
  parkedId: Type.String(),
  reason: Type.String(),
  state: Type.String(),
});

const limitRule = { pattern: '^[1-9][0-9]{0,2}$', description: '1 to 500' };

export const ListQuery = {
  limit: Type.Optional(Type.String({ ...limitRule, default: '50' })),
  cursor: Type.Optional(
    Type.String({ pattern: '^[0-9]{1,19}$', description: 'the nextCursor of the previous page' }),
  ),
};

const exportTypes = ['text/csv', 'application/x-ndjson'] as const;

/** Parameters of lists that can be exported and counted. `limit` has no default, so that an export differs from a page of 50. */
export const ExportQuery = {
  ...ListQuery,
  limit: Type.Optional(Type.String(limitRule)),
  format: Type.Optional(
    Type.Enum(['json', 'csv', 'ndjson'], {
      description: 'json, csv or ndjson; without it the header Accept decides',
    }),
  ),
  total: Type.Optional(
    Type.Enum(['true', 'false'], { description: 'true: the answer has the total of the filter' }),
  ),
};

/** The answers of such a list: a page, or every row as a file. */
export function listAnswers<Page extends TSchema>(page: Page) {
  const file = Type.String();
  const content = Object.fromEntries([
    ['application/json', { schema: page }],
    ...exportTypes.map((type) => [type, { schema: file }] as const),
  ]);
  return { description: 'A page, or with `format` or `Accept` every row as CSV or NDJSON.', content };
}

/** An answer of RFC 9457 with a stable `code`, and the values of its sentence where it has any. */
export const ProblemShape = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.String(),
  detail: Type.String(),
  params: Type.Optional(StatementShape.properties.params),
  advice: Type.Optional(Type.String()),
});
