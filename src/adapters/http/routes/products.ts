import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import {
  closed,
  ListQuery,
  NewProductBody,
  ProblemShape,
  ProductList,
  ProductShape,
} from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import type { Product } from '../../../core/instance/product.ts';
import { type ProductId, parseProductId } from '../../../core/instance/purchase.ts';
import { WeirError } from '../../../errors.ts';
import { showProduct } from '../answers.ts';
import { actorOf } from '../plugins/auth.ts';
import { listOf, readCursor, readLimit } from '../queries.ts';

interface ProductStore {
  createProduct(
    product: Omit<Product, 'version'>,
    actor: Actor,
  ): Promise<{ created: boolean; product: Product }>;
  findProducts(ids: readonly ProductId[]): Promise<Product[]>;
  listProducts(limit: number, after: bigint): Promise<Product[]>;
  /** @returns undefined when there is no such product */
  switchProduct(id: ProductId, enabled: boolean, actor: Actor): Promise<Product | undefined>;
}

export interface ProductDeps {
  products: ProductStore;
}

const SwitchBody = Type.Object({ enabled: Type.Boolean() }, closed);

export function addProducts(http: FastifyInstance, { products }: ProductDeps): void {
  http.post<{ Body: Static<typeof NewProductBody> }>(
    '/v1/products',
    {
      config: { scope: 'admin', activity: ['PRODUCT_CREATED'] },
      schema: {
        summary: 'Create a product',
        description: 'A repeat with the same properties gets 200, with other properties 409.',
        body: NewProductBody,
        response: { 200: ProductShape, 201: ProductShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const { created, product } = await products.createProduct(
        {
          id: parseProductId(body.id),
          name: body.name,
          cpus: body.cpus,
          memoryMb: body.memoryMb,
          gpu: body.gpu ?? 0,
          image: body.image,
          priceCents: BigInt(body.priceCents ?? '0'),
          enabled: body.enabled ?? true,
        },
        actorOf(request),
      );
      return reply.status(created ? 201 : 200).send(showProduct(product));
    },
  );

  http.get<{ Querystring: { limit?: string; cursor?: string } }>(
    '/v1/products',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List products in order of id',
        querystring: Type.Object(ListQuery),
        response: { 200: ProductList, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const limit = readLimit(query.limit);
      const found = await products.listProducts(limit + 1, BigInt(readCursor(query.cursor) ?? 0));
      const page = found.slice(0, limit);
      return listOf(page.map(showProduct), found.length > limit ? page.at(-1)?.id.toString() : undefined);
    },
  );

  http.get<{ Params: { id: string } }>(
    '/v1/products/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One product', response: { 200: ProductShape, '4xx': ProblemShape } },
    },
    async ({ params }) => {
      const [product] = await products.findProducts([parseProductId(params.id)]);
      if (!product) throw unknownProduct(params.id);
      return showProduct(product);
    },
  );

  http.patch<{ Params: { id: string }; Body: Static<typeof SwitchBody> }>(
    '/v1/products/:id',
    {
      config: { scope: 'admin', activity: ['PRODUCT_ENABLED', 'PRODUCT_DISABLED'] },
      schema: {
        summary: 'Enable or disable a product',
        description:
          'Applies from the next commit of every process. Orders, instances and new sales of a disabled product are refused, ' +
          'and winners are parked; a running sale continues to sell, so pause it first.',
        body: SwitchBody,
        response: { 200: ProductShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { params, body } = request;
      const product = await products.switchProduct(parseProductId(params.id), body.enabled, actorOf(request));
      if (!product) throw unknownProduct(params.id);
      return showProduct(product);
    },
  );
}

function unknownProduct(id: string): WeirError {
  return new WeirError('PRODUCT_NOT_FOUND', `there is no product ${id}`);
}
