import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { SourceCount } from '../../../api/answers.ts';
import {
  closed,
  ExportQuery,
  InstanceList,
  InstanceShape,
  Int64,
  listAnswers,
  NewPurchase,
  ProblemShape,
  SourceIdText,
  SourceText,
  TimelineShape,
  TimeText,
} from '../../../api/shapes.ts';
import type { InstanceLog } from '../../../core/instance/instance-log.ts';
import {
  type InstanceId,
  type ProductId,
  parseInt64,
  parseProductId,
  parseSource,
  parseSourceId,
  parseTraceparent,
  parseUserId,
  type Source,
  type SourceId,
} from '../../../core/instance/purchase.ts';
import type { TimelineEntry } from '../../../core/instance/timeline.ts';
import { type CreateInstance, purchaseInstance, type Receipt } from '../../../core/triggers/any-source.ts';
import type { PaidOrder, PaymentAnswer } from '../../../core/triggers/order-paid.ts';
import { requireEntryId, streamOf } from '../../../core/triggers/seckill-key.ts';
import { seckill } from '../../../core/triggers/seckill-streams.ts';
import { WeirError } from '../../../errors.ts';
import { answerList, filterOf, type PageQuery } from '../answer-list.ts';
import { showInstance, showReceipt, showTimeline } from '../answers.ts';
import { instanceExport } from '../export-columns.ts';
import type { Exports } from '../plugins/exports.ts';
import { requireRoom, sendReceipt } from '../plugins/receipt.ts';
import { readCursor, readTime } from '../queries.ts';

type InstanceFilter = Omit<Static<typeof Filter>, 'overdue' | 'from' | 'to'> & {
  overdue?: boolean | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
};

export interface InstanceReader {
  findInstance(instanceId: bigint): Promise<InstanceLog | undefined>;
  countBySource(): Promise<SourceCount[]>;
  /** The steps of an instance, in order of time. */
  readTimeline(instance: InstanceLog): Promise<TimelineEntry[]>;
  listInstances(
    filter: InstanceFilter,
    limit: number,
    cursor: string | undefined,
  ): Promise<{ items: InstanceLog[]; nextCursor: string | undefined }>;
}

export interface InstanceDeps {
  instances: InstanceReader;
  createInstance: CreateInstance;
  payOrder: (paid: PaidOrder) => Promise<PaymentAnswer>;
  hasRoom: () => boolean;
}

const Filter = Type.Object({
  source: Type.Optional(SourceText),
  sourceId: Type.Optional(SourceIdText),
  productId: Type.Optional(Int64),
  userId: Type.Optional(Int64),
  status: Type.Optional(Type.Enum(['PROCESSING', 'SUCCESS', 'FAILED'])),
  q: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'an id of the instance, of the purchase at its source (stream entry, order, …) or of the user',
    }),
  ),
  overdue: Type.Optional(Type.Enum(['true', 'false'])),
  from: Type.Optional(TimeText),
  to: Type.Optional(TimeText),
});

export function addInstances(
  http: FastifyInstance,
  { instances, createInstance, payOrder, hasRoom }: InstanceDeps,
  exports: Exports,
): void {
  http.post<{ Body: Static<typeof NewPurchase> }>(
    '/v1/instances',
    {
      config: { scope: 'act', limited: false, activity: 'none' },
      schema: {
        summary: 'Create an instance for a purchase of any source',
        description:
          'A repeat with the same product and user gets 200 with the first response, with other values 409. With source ' +
          "SECKILL, sourceId is the entry's id, and scope, which may be omitted, is the key of the product's stream.",
        body: NewPurchase,
        response: { 200: InstanceShape, 201: InstanceShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      requireRoom(hasRoom);
      const { body } = request;
      const source = parseSource(body.source);
      const sourceId = parseSourceId(body.sourceId);
      const named = { productId: parseProductId(body.productId), userId: parseUserId(body.userId) };
      const scope = readScope(source, sourceId, named.productId, body.scope);
      const trace = parseTraceparent(request.headers.traceparent);
      // An order has a status of its own, and a late payment must be returned: both ways of creating an
      // instance use payOrder.
      const { first, instance } = await (source === 'ORDER'
        ? payOrder({ orderId: sourceId, named, payment: {}, ...trace }).then(toReceipt)
        : purchaseInstance(createInstance, { source, scope, sourceId, ...named, ...trace }));
      return sendReceipt(reply, first, showReceipt(instance));
    },
  );

  http.get<{ Querystring: Static<typeof Filter> & PageQuery }>(
    '/v1/instances',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List instances, newest first',
        description:
          'All filters must match. Created at `from` or later, and before `to`. `overdue=true`: past its deadline without a result.',
        querystring: Type.Object({ ...Filter.properties, ...ExportQuery }, closed),
        response: { 200: listAnswers(InstanceList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { from, to, overdue, ...equal } = filterOf(request.query);
      const filter = {
        ...equal,
        ...{ overdue: overdue === 'true', from: readTime('from', from), to: readTime('to', to) },
      };
      if (filter.q !== undefined) parseSourceId(filter.q);
      if (filter.sourceId !== undefined) parseSourceId(filter.sourceId);
      if (filter.productId !== undefined) parseProductId(filter.productId);
      if (filter.userId !== undefined) parseUserId(filter.userId);
      const read = async (limit: number, cursor: string | undefined) => {
        const { items, nextCursor } = await instances.listInstances(filter, limit, readCursor(cursor));
        return { items: items.map(showInstance), nextCursor };
      };
      const counts = async () => sumUp(await instances.countBySource(), filter);
      const count = isCounted(filter) ? counts : isBroad(filter) ? 'slow' : undefined;
      return answerList(request, reply, request.query, { ...instanceExport, read, count }, exports);
    },
  );

  http.get<{ Params: { id: string } }>(
    '/v1/instances/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One instance with its timeline',
        response: { 200: TimelineShape, '4xx': ProblemShape },
      },
    },
    async ({ params }) => {
      const instance = await instances.findInstance(parseInstanceId(params.id));
      if (!instance) throw unknownInstance(params.id);
      return { ...showInstance(instance), timeline: showTimeline(await instances.readTimeline(instance)) };
    },
  );
}

/** Whether the audit counts such rows as it goes (src/adapters/postgres/instance-stats.ts). */
function isCounted({ source: _, status: __, overdue, ...others }: InstanceFilter): boolean {
  return !overdue && Object.values(others).every((value) => value === undefined);
}

/** Whether a thousand rows of such a product may lie anywhere in the table: 240 ms of a million rows. */
function isBroad({ productId, userId, sourceId, q, status, overdue }: InstanceFilter): boolean {
  const isByOther =
    (userId ?? sourceId ?? q) !== undefined || overdue || status === 'FAILED' || status === 'PROCESSING';
  return productId !== undefined && !isByOther;
}

function sumUp(counts: readonly SourceCount[], { source, status }: InstanceFilter): number {
  const column = (status?.toLowerCase() ?? 'total') as 'total' | 'success' | 'failed' | 'processing';
  return counts
    .filter((each) => source === undefined || each.source === source)
    .reduce((sum, each) => sum + Number(each[column]), 0);
}

/** This route answers with an instance or a refusal; the order shows what was done with the payment. */
function toReceipt(answer: PaymentAnswer): Receipt {
  if (answer.kind === 'instance') return answer;
  const { orderId } = answer.kind === 'refund' ? answer.refund : answer.item;
  const done = answer.kind === 'refund' ? 'will be refunded' : `is parked as item ${answer.item.parkedId}`;
  throw new WeirError('ORDER_NOT_PAYABLE', `order ${orderId} cannot be paid: the payment ${done}`);
}

/**
 * The scope of an entry is always its stream's key, so that a purchase meets the row of its entry whichever
 * way it arrives.
 *
 * @throws WeirError SOURCE_ID_INVALID for an invalid entry id, SCOPE_INVALID for a scope that the source does
 * not have
 */
function readScope(
  source: Source,
  sourceId: SourceId,
  productId: ProductId,
  named: string | undefined,
): string {
  const isEntry = source === seckill;
  if (isEntry) requireEntryId(sourceId);
  const scope = isEntry ? streamOf(productId) : '';
  if (named === undefined || named === scope) return scope;
  const expected = isEntry ? `${scope}, the stream of product ${productId}` : `empty for source ${source}`;
  throw new WeirError('SCOPE_INVALID', `scope must be ${expected}`);
}

/** @throws WeirError INSTANCE_NOT_FOUND, also for text that is not an id */
export function parseInstanceId(text: string): InstanceId {
  const id = parseInt64(text);
  if (id === undefined) throw unknownInstance(text);
  return id as InstanceId;
}

export function unknownInstance(id: string): WeirError {
  return new WeirError('INSTANCE_NOT_FOUND', `there is no instance ${id.slice(0, 40)}`);
}
