import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Problem } from '../../../api/answers.ts';
import type { ProductId } from '../../../core/instance/purchase.ts';
import type { Refusal } from '../../../sale/checkout.ts';
import { describeProblem, noteProblem, problemType } from './problem.ts';

const whys: Record<Refusal, string> = {
  SALE_NOT_FOUND: 'there is no sale of product #',
  NOT_STARTED: 'the sale of product # has not started',
  PAUSED: 'the sale of product # is paused',
  ENDED: 'the sale of product # has ended',
  SOLD_OUT: 'the sale of product # is sold out',
  LIMIT_REACHED: 'the sale of product # gives this user no more units',
  TICKET_REQUIRED: 'the sale of product # is entered with a ticket',
  TICKET_INVALID: 'this is no ticket of the present sale of product # for this user',
  NOT_ADMITTED: 'the ticket does not admit to the sale of product # yet',
};

/** Everything but the product is the same each time, so it is written once: this answer is given to whole floods. */
const prepared = new Map(
  Object.entries(whys).map(([kind, why]) => {
    const problem: Problem = describeProblem(kind as Refusal, why);
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
  // A string is sent as it is.
  return reply.status(status).type(problemType).send(`${before}${productId}${after}`);
}
