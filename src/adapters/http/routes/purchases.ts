import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { ProgressQuery, ProgressShape } from '../../../api/purchase-shapes.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import { TicketHeader } from '../../../api/ticket-shapes.ts';
import {
  type ProductId,
  parseProductId,
  parseUserId,
  type SourceId,
  type UserId,
} from '../../../core/instance/purchase.ts';
import { streamOf } from '../../../core/triggers/seckill-key.ts';
import { adviceForParked, WeirError } from '../../../errors.ts';
import { KeyedConcurrencyLimit } from '../../../lib/keyed-concurrency-limit.ts';
import type { Admission } from '../../../sale/admission.ts';
import type { Progress } from '../../../sale/purchase-progress.ts';
import type { PurchaseStatus } from '../../../sale/purchase-status.ts';
import { showInstance } from '../answers.ts';
import { callerOf, requireKeyOr } from '../plugins/auth.ts';
import { type BuyerLimits, limitAddresses } from '../plugins/buyer-limits.ts';
import { readTicketHeader } from './tickets.ts';

/** Browser windows of one user that wait at the same time. */
const maxWaitsPerUser = 10;

export interface PurchaseDeps {
  purchases: PurchaseStatus;
  admission: Admission;
  /** Limits of callers without a key. */
  readLimits: BuyerLimits;
}

export function addPurchases(
  http: FastifyInstance,
  { purchases, admission, readLimits }: PurchaseDeps,
): void {
  // The waiting slots are shared: without this limit a few holders of tickets could take all of them.
  const waits = new KeyedConcurrencyLimit<UserId>(
    maxWaitsPerUser,
    (userId) =>
      new WeirError('RATE_LIMITED', `user ${userId} already waits for ${maxWaitsPerUser} responses`),
  );

  /** The only user whose purchases may be shown: a caller without a key holds a ticket. */
  const findHolder = async (
    request: FastifyRequest,
    productId: ProductId,
    { ticket, userId }: Static<typeof ProgressQuery>,
  ) => {
    if (callerOf(request)) return userId === undefined ? undefined : parseUserId(userId);
    const standing = await admission.checkTicket(productId, readTicketHeader(request) ?? ticket ?? '');
    if (!standing)
      throw new WeirError('TICKET_INVALID', 'this ticket is not valid for any sale of this product');
    readLimits.takeUser(standing.ticket.userId.toString());
    return standing.ticket.userId;
  };

  http.get<{ Params: { productId: string; streamId: string }; Querystring: Static<typeof ProgressQuery> }>(
    '/v1/sales/:productId/purchases/:streamId',
    {
      config: { scope: 'read', orTicket: true, limited: false, isLong: true },
      onRequest: limitAddresses(readLimits),
      preValidation: requireKeyOr(
        (request) => readTicketHeader(request) ?? (request.query as { ticket?: unknown }).ticket,
      ),
      schema: {
        summary: 'The state of a purchase',
        description:
          'WAITING with its place in the queue and an estimate; CREATED, SUCCESS, FAILED with the instance and what was ' +
          'restocked; PARKED or DISCARDED with the reason. With `after` the answer waits until the state differs from it ' +
          'or the time is up (long poll).',
        headers: TicketHeader,
        querystring: ProgressQuery,
        response: { 200: ProgressShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { params, query } = request;
      const productId = parseProductId(params.productId);
      const { streamId } = params;
      const key = { stream: streamOf(productId), entryId: parseStreamId(streamId) };
      const holder = await findHolder(request, productId, query);
      const waitMs = query.after === undefined ? 0 : Number(query.wait ?? 20) * 1000;
      const wait = () => purchases.wait(key, query.after, waitMs);
      // The shop has a key and waits for many users.
      const progress = await (callerOf(request) || holder === undefined ? wait() : waits.run(holder, wait));
      const buyer = progress && 'instance' in progress ? progress.instance.userId : undefined;
      const isOfAnother = holder !== undefined && buyer !== undefined && buyer !== holder;
      if (!progress || isOfAnother) throw unknownPurchase(streamId);
      const shown = buyer === undefined || holder === undefined ? hideConflict(progress) : progress;
      return { streamId, productId: productId.toString(), ...showProgress(shown) };
    },
  );
}

/**
 * Two purchases have this id, and the caller may have made the other one: both are hidden unless the user is
 * named.
 */
function hideConflict(progress: Progress): Progress {
  if (!('conflictAt' in progress) || !progress.conflictAt) return progress;
  return { state: 'PARKED', reason: 'PURCHASE_CONFLICT', parkedAt: progress.conflictAt };
}

function parseStreamId(text: string): SourceId {
  if (!/^\d{1,19}-\d{1,19}$/.test(text)) throw unknownPurchase(text);
  return text as SourceId;
}

function unknownPurchase(streamId: string): WeirError {
  return new WeirError('PURCHASE_NOT_FOUND', `this product has no purchase ${streamId.slice(0, 40)}`);
}

function showProgress(progress: Progress): Omit<Static<typeof ProgressShape>, 'streamId' | 'productId'> {
  switch (progress.state) {
    case 'WAITING':
      return {
        state: progress.state,
        place: progress.place ?? null,
        estimateMs: progress.estimateMs ?? null,
      };
    case 'PARKED':
    case 'DISCARDED':
      return {
        state: progress.state,
        reason: progress.reason,
        advice: adviceForParked(progress.reason),
        parkedAt: progress.parkedAt.toISOString(),
      };
    default: {
      const { state, instance, restocked } = progress;
      return {
        state,
        instance: showInstance(instance),
        ...(restocked && { restocked: { status: restocked.status, at: restocked.at.toISOString() } }),
      };
    }
  }
}
