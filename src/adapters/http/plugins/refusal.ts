import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Problem } from '../../../api/answers.ts';
import type { ProductId } from '../../../core/instance/purchase.ts';
import type { Refusal } from '../../../sale/checkout.ts';
import { describeProblem, noteProblem, problemType } from './problem.ts';

const details: Record<Refusal, string> = {
  SALE_NOT_FOUND: 'product # has no sale',
  NOT_STARTED: 'the sale of product # has not started',
  PAUSED: 'the sale of product # is paused',
  ENDED: 'the sale of product # has ended',
  SOLD_OUT: 'the sale of product # is sold out',
  LIMIT_REACHED: 'this user has reached the limit of the sale of product #',
  TICKET_REQUIRED: 'the sale of product # requires a ticket',
  TICKET_INVALID: 'the ticket is not valid for this user in the current sale of product #',
  NOT_ADMITTED: 'the ticket is not admitted to the sale of product # yet',
};

/** Everything but the product is constant, so it is serialized once: this answer is sent to whole floods. */
const prepared = new Map(
  Object.entries(details).map(([kind, detail]) => {
    const problem: Problem = describeProblem(kind as Refusal, detail);
    const [before = '', after = ''] = JSON.stringify(problem).split('#');
    return [kind as Refusal, { status: problem.status, before, after }];
  }),
);

const nothing = { status: 409, before: '', after: '' };

/** The same bytes without the framework. @returns the status */
export function writeRefusal(response: ServerResponse, kind: Refusal, productId: ProductId): number {
  const { status, before, after } = prepared.get(kind) ?? nothing;
  const body = `${before}${productId}${after}`;
  const length = String(Buffer.byteLength(body));
  response
    .writeHead(status, [
      ...['x-content-type-options', 'nosniff'],
      ...['content-type', `${problemType}; charset=utf-8`, 'content-length', length],
    ])
    .end(body);
  return status;
}

export function sendRefusal(reply: FastifyReply, kind: Refusal, productId: ProductId): FastifyReply {
  const { status, before, after } = prepared.get(kind) ?? nothing;
  noteProblem(reply, kind);
  // The framework sends a string unchanged.
  return reply.status(status).type(problemType).send(`${before}${productId}${after}`);
}
