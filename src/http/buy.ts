import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseProductId, parseTraceparent, parseUserId } from '../instance/purchase.ts';
import type { FrontDoor } from '../sale/front-door.ts';
import { hasKey, requireKeyOr } from './auth.ts';
import { sendRefusal } from './refusal.ts';
import type { RequestLimits } from './request-limits.ts';
import { Int64, ProblemShape } from './shapes.ts';
import { TicketText } from './tickets.ts';

export interface BuyParts {
  door: FrontDoor;
  limits: RequestLimits;
}

const BuyBody = Type.Object(
  { userId: Int64, ticket: Type.Optional(TicketText) },
  { additionalProperties: false },
);

const BoughtShape = Type.Object({
  streamId: Type.String(),
  productId: Int64,
  userId: Int64,
  /** Where to ask what becomes of it; the header Location says it as well. */
  purchase: Type.String(),
});

export function addBuy(http: FastifyInstance, { door, limits }: BuyParts): void {
  http.post<{ Params: { productId: string }; Body: Static<typeof BuyBody> }>(
    '/v1/sales/:productId/buy',
    {
      config: { scope: 'act', orTicket: true, limited: false },
      preValidation: requireKeyOr(({ body }) => (body as { ticket?: unknown } | undefined)?.ticket),
      schema: {
        summary: 'Buy one unit',
        description:
          '202: the unit is the buyer’s and its entry is on the stream. 200: a repeat, by the buyer where the limit is ' +
          '1, else by his ticket or Idempotency-Key, with the same body.',
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: BuyBody,
        response: { 200: BoughtShape, 202: BoughtShape, '4xx': ProblemShape },
      },
    },
    (request, reply) => {
      const productId = parseProductId(request.params.productId);
      const { userId: user, ticket } = request.body;
      const userId = parseUserId(user);
      limits.take(user, hasKey(request) ? undefined : request.ip);
      const refusal = door.refuse(productId, { userId, ticket });
      if (refusal) return sendRefusal(reply, refusal, productId);
      const visitor = {
        ...{ userId, ticket, idempotencyKey: request.headers['idempotency-key'] as string | undefined },
        ...parseTraceparent(request.headers.traceparent),
      };
      return door.buy(productId, visitor).then((outcome) => {
        if (!('streamId' in outcome)) return sendRefusal(reply, outcome.kind, productId);
        const { kind, streamId } = outcome;
        const purchase = `/v1/sales/${productId}/purchases/${streamId}`;
        return reply
          .status(kind === 'accepted' ? 202 : 200)
          .header('location', purchase)
          .send({ streamId, productId: productId.toString(), userId: user, purchase });
      });
    },
  );
}
