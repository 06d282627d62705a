import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { ProblemShape } from '../../../api/shapes.ts';
import { StandingShape, TicketBody, TicketHeader, TicketShape } from '../../../api/ticket-shapes.ts';
import { parseProductId, parseUserId } from '../../../core/instance/purchase.ts';
import { WeirError } from '../../../errors.ts';
import type { Admission } from '../../../sale/admission.ts';
import { type BuyerLimits, limitAddresses } from '../plugins/buyer-limits.ts';

const whys = {
  SALE_NOT_FOUND: 'this product has no sale',
  ENDED: 'the sale has ended',
  LIMIT_REACHED: 'the unit is above the limit per user',
  TICKETS_CLOSED: 'the sale has started',
  TICKETS_UNUSED: 'the sale does not use tickets',
} as const;

export interface TicketDeps {
  admission: Admission;
}

export function addTickets(http: FastifyInstance, { admission }: TicketDeps): void {
  http.post<{ Params: { productId: string }; Body: Static<typeof TicketBody> }>(
    '/v1/sales/:productId/tickets',
    {
      config: { scope: 'act', limited: false, activity: 'none' },
      schema: {
        summary: 'Issue a ticket of a user to a sale, and a place in its waiting room',
        description:
          'Requested by the shop, which knows its users, and passed to the buyer, who buys with it. The same ticket ' +
          'for the same user and unit each time: 201 the first time, 200 after that.',
        body: TicketBody,
        response: { 200: TicketShape, 201: TicketShape, '4xx': ProblemShape },
      },
    },
    async ({ params, body }, reply) => {
      const productId = parseProductId(params.productId);
      const holder = { userId: parseUserId(body.userId), unit: body.unit ?? 1 };
      const answer = await admission.issueTicket(productId, holder);
      if (!('ticket' in answer)) throw new WeirError(answer.kind, whys[answer.kind]);
      return reply.status(answer.kind === 'given' ? 201 : 200).send({
        ticket: answer.ticket,
        productId: productId.toString(),
        userId: body.userId,
        unit: holder.unit,
        admittedAt: new Date(answer.admittedAtMs).toISOString(),
      });
    },
  );
}

/** Access logs of proxies record paths and queries, but no headers. */

export function readTicketHeader({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  return headers['weir-ticket'] as string | undefined;
}

interface TicketStandingDeps {
  admission: Admission;
  /** Limits of callers without a key. */
  readLimits: BuyerLimits;
}

/** For the holder of a ticket. */
export function addTicketStanding(
  http: FastifyInstance,
  { admission, readLimits }: TicketStandingDeps,
): void {
  const config = { scope: 'signed', limited: false } as const;
  const response = { 200: StandingShape, '4xx': ProblemShape };
  const findStanding = async (product: string, text: string) => {
    const productId = parseProductId(product);
    const standing = await admission.checkTicket(productId, text);
    if (!standing) throw new WeirError('TICKET_INVALID', 'this ticket is not valid for the current sale');
    readLimits.takeUser(standing.ticket.userId.toString());
    if (!standing.isPresent) throw new WeirError('ENDED', 'the sale of this ticket has ended');
    const { ticket, place, waitMs } = standing;
    return {
      ticket: text,
      productId: productId.toString(),
      userId: ticket.userId.toString(),
      unit: ticket.unit,
      admittedAt: new Date(ticket.admittedAtMs).toISOString(),
      state: waitMs > 0 ? ('WAITING' as const) : ('ADMITTED' as const),
      place,
      estimateMs: Math.ceil(waitMs),
    };
  };

  http.get<{ Params: { productId: string } }>(
    '/v1/sales/:productId/ticket',
    {
      config,
      onRequest: limitAddresses(readLimits),
      schema: {
        summary: 'The position in the waiting room, for the ticket in the header weir-ticket',
        headers: TicketHeader,
        response,
      },
    },
    async (request) => {
      const ticket = readTicketHeader(request);
      if (ticket === undefined)
        throw new WeirError('TICKET_REQUIRED', 'the header weir-ticket must be given');
      return findStanding(request.params.productId, ticket);
    },
  );

  http.get<{ Params: { productId: string; ticket: string } }>(
    '/v1/sales/:productId/tickets/:ticket',
    {
      config,
      onRequest: limitAddresses(readLimits),
      schema: {
        summary: 'The position of a ticket in the waiting room',
        description: 'Access logs record the path: prefer `GET /v1/sales/{productId}/ticket`.',
        response,
      },
    },
    async ({ params }) => findStanding(params.productId, params.ticket),
  );
}
