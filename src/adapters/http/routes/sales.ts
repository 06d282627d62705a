import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { NewSale, RestockBody, SaleChangeBody, SaleList, SaleShape } from '../../../api/sale-shapes.ts';
import { ListQuery, ProblemShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import type { Product } from '../../../core/instance/product.ts';
import { type ProductId, parseProductId } from '../../../core/instance/purchase.ts';
import { WeirError } from '../../../errors.ts';
import type { Sale, SaleStore, SaleTerms } from '../../../sale/sale.ts';
import { showSale } from '../answers.ts';
import { actorOf } from '../plugins/auth.ts';
import { listOf, readCursor, readLimit, readTime } from '../queries.ts';

export interface SaleDeps {
  sales: SaleStore;
  products: { findProducts(ids: readonly ProductId[]): Promise<Product[]> };
  /** Units restocked at or after `since`; undefined: all of them. @returns how many */
  requeueRestock(productId: ProductId, since: Date | undefined, actor: Actor): Promise<number>;
}

interface SalePath {
  Params: { productId: string };
}

/** Sales as the shop manages them; routes/buy.ts is for buyers. */
export function addSales(http: FastifyInstance, { sales, products, requeueRestock }: SaleDeps): void {
  const getSale = async (productId: ProductId): Promise<Sale> => {
    const sale = await sales.find(productId);
    if (!sale) throw unknownSale(productId);
    return sale;
  };

  http.post<{ Body: Static<typeof NewSale> }>(
    '/v1/sales',
    {
      config: { scope: 'admin', activity: ['SALE_OPENED'] },
      schema: {
        summary: 'Open the flash sale of a product',
        description:
          'Without startsAt it begins immediately, without endsAt it runs until it is ended; both times are by the clock of the ' +
          'store. The same terms again answer 200; other terms answer 409 while it runs.',
        body: NewSale,
        response: { 200: SaleShape, 201: SaleShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const terms = readTerms(request.body);
      await requireProduct(products, terms.productId);
      const outcome = await sales.open(terms, actorOf(request));
      if (outcome === 'over') throw new WeirError('SALE_WINDOW_INVALID', 'endsAt must be in the future');
      if (outcome === 'conflict') {
        throw new WeirError(
          'SALE_CONFLICT',
          `product ${terms.productId} has a running sale with other terms`,
        );
      }
      return reply.status(outcome === 'opened' ? 201 : 200).send(showSale(await getSale(terms.productId)));
    },
  );

  http.get<{ Querystring: { limit?: string; cursor?: string } }>(
    '/v1/sales',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The sale of every product that has or had one, in order of product id',
        querystring: Type.Object(ListQuery),
        response: { 200: SaleList, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const limit = readLimit(query.limit);
      const found = await sales.list(limit + 1, BigInt(readCursor(query.cursor) ?? 0));
      const page = found.slice(0, limit);
      return listOf(page.map(showSale), found.length > limit ? page.at(-1)?.productId.toString() : undefined);
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

  http.patch<SalePath & { Body: Static<typeof SaleChangeBody> }>(
    '/v1/sales/:productId',
    {
      config: {
        scope: 'act',
        activity: ['SALE_PAUSED', 'SALE_RESUMED', 'SALE_ENDED', 'SALE_STOCK_ADDED'],
      },
      schema: {
        summary: 'Pause, resume or end a sale, or add stock',
        description:
          'Ending does not affect winners and cannot be undone; the product can be sold in a new sale.',
        body: SaleChangeBody,
        response: { 200: SaleShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { params, body } = request;
      const productId = parseProductId(params.productId);
      const outcome = await sales.change(productId, body, actorOf(request));
      if (!outcome) throw unknownSale(productId);
      // Ending an ended sale is a repeat.
      if (outcome === 'ended' && (body.action !== 'end' || body.addStock !== undefined)) {
        throw new WeirError('ENDED', `the sale of product ${productId} has ended`);
      }
      return showSale(await getSale(productId));
    },
  );

  http.post<SalePath & { Body: Static<typeof RestockBody> }>(
    '/v1/sales/:productId/restock',
    {
      config: { scope: 'act', activity: ['SALE_RESTOCKED'] },
      schema: {
        summary: 'Restock units again after Redis has lost them',
        description:
          'Units restocked at or after `since`; all of them without it. The sale takes each unit only once.',
        body: RestockBody,
        response: { 200: Type.Object({ units: Type.Integer() }), '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { productId } = await getSale(parseProductId(request.params.productId));
      const since = readTime('since', request.body.since);
      return { units: await requeueRestock(productId, since, actorOf(request)) };
    },
  );
}

function readTerms(body: Static<typeof NewSale>): SaleTerms {
  const terms: SaleTerms = {
    productId: parseProductId(body.productId),
    stock: body.stock,
    perUserLimit: body.perUserLimit ?? 1,
    startsAt: readTime('startsAt', body.startsAt),
    endsAt: readTime('endsAt', body.endsAt),
    entry: body.entry === 'ticket' ? 'ticket' : 'open',
    admitPerSecond: body.admitPerSecond,
  };
  if (terms.startsAt && terms.endsAt && terms.endsAt <= terms.startsAt) {
    throw new WeirError('SALE_WINDOW_INVALID', 'endsAt must be after startsAt');
  }
  if (terms.entry === 'ticket' && !terms.startsAt) {
    throw new WeirError('SALE_WINDOW_INVALID', 'startsAt must be given for a sale with entry ticket');
  }
  return terms;
}

async function requireProduct(products: SaleDeps['products'], productId: ProductId): Promise<void> {
  const [product] = await products.findProducts([productId]);
  if (!product) throw new WeirError('PRODUCT_NOT_FOUND', `there is no product ${productId}`);
  if (!product.enabled) throw new WeirError('PRODUCT_DISABLED', `product ${productId} is disabled`);
}

function unknownSale(productId: ProductId): WeirError {
  return new WeirError('SALE_NOT_FOUND', `product ${productId} has no sale`);
}
