import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { type ErrorCode, WeirError } from '../errors.ts';
import type { Product } from '../instance/product.ts';
import { type ProductId, parseProductId, parseTraceparent, parseUserId } from '../instance/purchase.ts';
import type { Refusal, Sale, SaleStore } from '../sale/sale.ts';
import { Int64, ProblemShape } from './shapes.ts';

export interface SaleParts {
  sales: SaleStore;
  products: { findProducts(ids: readonly ProductId[]): Promise<Product[]> };
}

const Timestamp = Type.String({ format: 'date-time' });
const Units = Type.Integer({ minimum: 1, maximum: 2_147_483_647 });
const closed = { additionalProperties: false };

const NewSale = Type.Object(
  {
    productId: Int64,
    stock: Units,
    perUserLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
    startsAt: Type.Optional(Timestamp),
    endsAt: Type.Optional(Timestamp),
  },
  closed,
);

const ChangeBody = Type.Object(
  {
    action: Type.Optional(Type.Enum(['pause', 'resume', 'end'])),
    addStock: Type.Optional(Units),
  },
  { ...closed, minProperties: 1 },
);

const BuyBody = Type.Object({ userId: Int64 }, closed);

const SaleShape = Type.Object({
  productId: Int64,
  stock: Type.Integer(),
  sold: Type.Integer(),
  left: Type.Integer(),
  givenBack: Type.Integer(),
  perUserLimit: Type.Integer(),
  startsAt: Type.Union([Timestamp, Type.Null()]),
  endsAt: Type.Union([Timestamp, Type.Null()]),
  state: Type.String(),
});

const BoughtShape = Type.Object({ streamId: Type.String(), productId: Int64, userId: Int64 });

interface SalePath {
  Params: { productId: string };
}

export function addSales(http: FastifyInstance, { sales, products }: SaleParts): void {
  const getSale = async (productId: ProductId): Promise<Sale> => {
    const sale = await sales.find(productId);
    if (!sale) throw unknownSale(productId);
    return sale;
  };

  http.post<{ Body: Static<typeof NewSale> }>(
    '/v1/sales',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Open the flash sale of a product',
        description:
          'Without startsAt it begins at once, without endsAt it goes on until it is ended; both by the clock of the ' +
          'store. The same terms again answer 200, others 409 while it runs.',
        body: NewSale,
        response: { 200: SaleShape, 201: SaleShape, '4xx': ProblemShape },
      },
    },
    async ({ body }, reply) => {
      const productId = parseProductId(body.productId);
      await requireProduct(products, productId);
      const terms = {
        productId,
        stock: body.stock,
        perUserLimit: body.perUserLimit ?? 1,
        startsAt: body.startsAt === undefined ? undefined : new Date(body.startsAt),
        endsAt: body.endsAt === undefined ? undefined : new Date(body.endsAt),
      };
      if (terms.startsAt && terms.endsAt && terms.endsAt <= terms.startsAt) {
        throw new WeirError('SALE_WINDOW_INVALID', 'the sale would end before it starts');
      }
      const outcome = await sales.open(terms);
      if (outcome === 'over')
        throw new WeirError('SALE_WINDOW_INVALID', 'the sale would have ended before now');
      if (outcome === 'conflict') {
        throw new WeirError('SALE_CONFLICT', `a sale of product ${productId} runs with other terms`);
      }
      return reply.status(outcome === 'opened' ? 201 : 200).send(showSale(await getSale(productId)));
    },
  );

  http.get<SalePath>(
    '/v1/sales/:productId',
    {
      config: { scope: 'read' },
      schema: { summary: 'The sale of a product', response: { 200: SaleShape, '4xx': ProblemShape } },
    },
    async ({ params }) => showSale(await getSale(parseProductId(params.productId))),
  );

  http.patch<SalePath & { Body: Static<typeof ChangeBody> }>(
    '/v1/sales/:productId',
    {
      config: { scope: 'act' },
      schema: {
        summary: 'Pause, resume or end a sale, or add stock',
        description:
          'Ending touches no winner. What has ended stays ended; the product can be sold in a new sale.',
        body: ChangeBody,
        response: { 200: SaleShape, '4xx': ProblemShape },
      },
    },
    async ({ params, body }) => {
      const productId = parseProductId(params.productId);
      const outcome = await sales.change(productId, body);
      if (!outcome) throw unknownSale(productId);
      // Ending what has ended is a repeat.
      if (outcome === 'ended' && (body.action !== 'end' || body.addStock !== undefined)) {
        throw new WeirError('ENDED', `the sale of product ${productId} has ended`);
      }
      return showSale(await getSale(productId));
    },
  );

  http.post<SalePath & { Body: Static<typeof BuyBody> }>(
    '/v1/sales/:productId/buy',
    {
      config: { scope: 'act', limited: false },
      schema: {
        summary: 'Buy one unit',
        description:
          '202: the unit is the buyer’s and its entry is on the stream. 200: a repeat, by the buyer where the limit is ' +
          '1, else by his Idempotency-Key, with the same body.',
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: BuyBody,
        response: { 200: BoughtShape, 202: BoughtShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const productId = parseProductId(request.params.productId);
      const userId = parseUserId(request.body.userId);
      const outcome = await sales.buy({
        productId,
        userId,
        idempotencyKey: request.headers['idempotency-key'] as string | undefined,
        ...parseTraceparent(request.headers.traceparent),
      });
      if (!('streamId' in outcome)) throw refuse(outcome.kind, productId);
      const { kind, streamId } = outcome;
      return reply
        .status(kind === 'accepted' ? 202 : 200)
        .send({ streamId, productId: productId.toString(), userId: userId.toString() });
    },
  );
}

async function requireProduct(products: SaleParts['products'], productId: ProductId): Promise<void> {
  const [product] = await products.findProducts([productId]);
  if (!product) throw new WeirError('PRODUCT_UNKNOWN', `there is no product ${productId}`);
  if (!product.enabled) throw new WeirError('PRODUCT_DISABLED', `product ${productId} is disabled`);
}

function unknownSale(productId: ProductId): WeirError {
  return new WeirError('SALE_UNKNOWN', `there is no sale of product ${productId}`);
}

const words: Record<Exclude<Refusal, 'SALE_UNKNOWN'>, string> = {
  NOT_STARTED: 'has not started',
  PAUSED: 'is paused',
  ENDED: 'has ended',
  SOLD_OUT: 'is sold out',
  LIMIT_REACHED: 'gives this user no more units',
};

function refuse(kind: Refusal, productId: ProductId): WeirError {
  if (kind === 'SALE_UNKNOWN') return unknownSale(productId);
  return new WeirError(kind satisfies ErrorCode, `the sale of product ${productId} ${words[kind]}`);
}

function showSale(sale: Sale): Static<typeof SaleShape> {
  return {
    productId: sale.productId.toString(),
    stock: sale.stock,
    sold: sale.sold,
    left: sale.left,
    givenBack: sale.givenBack,
    perUserLimit: sale.perUserLimit,
    startsAt: sale.startsAt?.toISOString() ?? null,
    endsAt: sale.endsAt?.toISOString() ?? null,
    state: sale.state,
  };
}
