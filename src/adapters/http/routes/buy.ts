import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { BoughtShape, BuyBody } from '../../../api/purchase-shapes.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import {
  type ProductId,
  parseProductId,
  parseTraceparent,
  parseUserId,
} from '../../../core/instance/purchase.ts';
import type { Admission, Visitor } from '../../../sale/admission.ts';
import { Attached } from '../plugins/attached.ts';
import { callerOf, requireKeyOr } from '../plugins/auth.ts';
import { type BuyerLimits, limitAddresses } from '../plugins/buyer-limits.ts';
import { sendRefusal } from '../plugins/refusal.ts';

export interface BuyDeps {
  admission: Admission;
  buyLimits: BuyerLimits;
}

export const buyRoute = '/v1/sales/:productId/buy';

export interface Bought {
  kind: 'accepted' | 'repeat';
  streamId: string;
  productId: ProductId;
  /** As sent by the buyer. */
  user: string;
}

/** Failures of buys that were served in front of the framework; this route answers them. */
export const failures = new Attached<IncomingMessage, unknown>();

/** The answer of this route without the framework. @returns the status */
export function writeBought(response: ServerResponse, bought: Bought): number {
  const answer = toAnswer(bought);
  const text = JSON.stringify(answer.body);
  response
    .writeHead(answer.status, [
      ...['x-content-type-options', 'nosniff', 'location', answer.body.purchase],
      ...['content-type', 'application/json; charset=utf-8', 'content-length', String(text.length)],
    ])
    .end(text);
  return answer.status;
}

function toAnswer({ kind, streamId, productId, user }: Bought) {
  const purchase = `/v1/sales/${productId}/purchases/${streamId}`;
  return {
    status: kind === 'accepted' ? 202 : 200,
    body: { streamId, productId: productId.toString(), userId: user, purchase },
  };
}

export function addBuy(http: FastifyInstance, { admission, buyLimits }: BuyDeps): void {
  /**
   * A user's tokens are taken only after a key or ticket is verified for the user; a refusal from memory
   * takes none.
   */
  const buyAs = async (hasCaller: boolean, productId: ProductId, visitor: Visitor, takeUser: () => void) => {
    const { ticket } = visitor;
    if (!hasCaller && ticket !== undefined) {
      return admission.buyByTicket(productId, { ...visitor, ticket }, takeUser);
    }
    takeUser();
    return admission.buy(productId, visitor);
  };

  http.post<{ Params: { productId: string }; Body: Static<typeof BuyBody> }>(
    buyRoute,
    {
      config: { scope: 'act', orTicket: true, limited: false, activity: 'none' },
      onRequest: limitAddresses(buyLimits),
      preValidation: requireKeyOr(({ body }) => (body as { ticket?: unknown } | undefined)?.ticket),
      schema: {
        summary: 'Buy one unit',
        description:
          '202: the buyer has the unit, and its entry is on the stream. 200: a repeat; recognized by the buyer when the limit is ' +
          '1, otherwise by ticket or Idempotency-Key. Same body.',
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: BuyBody,
        response: { 200: BoughtShape, 202: BoughtShape, '4xx': ProblemShape },
      },
    },
    (request, reply) => {
      const failure = failures.get(request.raw);
      if (failure !== undefined) throw failure;
      const productId = parseProductId(request.params.productId);
      const { userId: user, ticket } = request.body;
      const userId = parseUserId(user);
      const refusal = admission.refuse(productId, { userId, ticket });
      if (refusal) return sendRefusal(reply, refusal, productId);
      const visitor = {
        ...{ userId, ticket, idempotencyKey: request.headers['idempotency-key'] as string | undefined },
        ...parseTraceparent(request.headers.traceparent),
      };
      const takeUser = () => buyLimits.takeUser(user);
      return buyAs(callerOf(request) !== undefined, productId, visitor, takeUser).then((outcome) => {
        if (!('streamId' in outcome)) return sendRefusal(reply, outcome.kind, productId);
        const { status, body } = toAnswer({ ...outcome, productId, user });
        return reply.status(status).header('location', body.purchase).send(body);
      });
    },
  );
}
