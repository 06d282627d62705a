import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { WeirError } from '../errors.ts';
import type { InstanceLog } from '../instance/instance-log.ts';
import {
  parseInt64,
  parseProductId,
  parseSource,
  parseSourceId,
  parseTraceparent,
  parseUserId,
} from '../instance/purchase.ts';
import { type CreateInstance, purchaseInstance } from '../triggers/any-source.ts';
import { requireRoom, sendReceipt } from './orders.ts';
import {
  InstanceShape,
  Int64,
  ListQuery,
  listOf,
  NewPurchase,
  ProblemShape,
  readCursor,
  readLimit,
  SourceIdText,
  SourceText,
  showInstance,
  showReceipt,
} from './shapes.ts';

export interface InstanceReader {
  findInstance(instanceId: bigint): Promise<InstanceLog | undefined>;
  listInstances(
    filter: Static<typeof Filter>,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ items: InstanceLog[]; nextCursor: string | undefined }>;
}

export interface InstanceParts {
  instances: InstanceReader;
  createInstance: CreateInstance;
  hasRoom: () => boolean;
}

const Filter = Type.Object({
  source: Type.Optional(SourceText),
  sourceId: Type.Optional(SourceIdText),
  productId: Type.Optional(Int64),
  userId: Type.Optional(Int64),
  status: Type.Optional(Type.Enum(['PROCESSING', 'SUCCESS', 'FAILED'])),
});

export function addInstances(
  http: FastifyInstance,
  { instances, createInstance, hasRoom }: InstanceParts,
): void {
  http.post<{ Body: Static<typeof NewPurchase> }>(
    '/v1/instances',
    {
      schema: {
        summary: 'One instance for a purchase of any source',
        description:
          'A repeat with the same product and user answers 200 with the first answer, with others 409.',
        body: NewPurchase,
        response: { 200: InstanceShape, 201: InstanceShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      requireRoom(hasRoom);
      const { body } = request;
      const { first, instance } = await purchaseInstance(createInstance, {
        source: parseSource(body.source),
        scope: '',
        sourceId: parseSourceId(body.sourceId),
        productId: parseProductId(body.productId),
        userId: parseUserId(body.userId),
        ...parseTraceparent(request.headers.traceparent),
      });
      return sendReceipt(reply, first, showReceipt(instance));
    },
  );

  http.get<{ Querystring: Static<typeof Filter> & { limit?: string; cursor?: string } }>(
    '/v1/instances',
    {
      schema: {
        summary: 'List instances, newest first',
        querystring: Type.Object({ ...Filter.properties, ...ListQuery }, { additionalProperties: false }),
      },
    },
    async ({ query }) => {
      const { limit, cursor, ...filter } = query;
      if (filter.sourceId !== undefined) parseSourceId(filter.sourceId);
      if (filter.productId !== undefined) parseProductId(filter.productId);
      if (filter.userId !== undefined) parseUserId(filter.userId);
      const page = await instances.listInstances(filter, readLimit(limit), readCursor(cursor));
      return listOf(page.items.map(showInstance), page.nextCursor);
    },
  );

  http.get<{ Params: { id: string } }>(
    '/v1/instances/:id',
    { schema: { summary: 'One instance', response: { 200: InstanceShape, '4xx': ProblemShape } } },
    async ({ params }) => {
      const id = parseInt64(params.id);
      const instance = id && (await instances.findInstance(id));
      if (!instance)
        throw new WeirError('INSTANCE_UNKNOWN', `there is no instance ${params.id.slice(0, 40)}`);
      return showInstance(instance);
    },
  );
}
