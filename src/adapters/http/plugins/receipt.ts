import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import { WeirError } from '../../../errors.ts';
import type { InstanceShape } from '../../../api/shapes.ts';

/** Above the high-water mark nothing more is taken in: what is accepted must be announced in useful time. */
export function requireRoom(hasRoom: () => boolean): void {
  if (!hasRoom()) throw new WeirError('OVERLOADED', 'too many events wait to be announced');
}

export function sendReceipt(
  reply: FastifyReply,
  first: boolean,
  receipt: Static<typeof InstanceShape>,
): FastifyReply {
  return reply
    .status(first ? 201 : 200)
    .header('location', `/v1/instances/${receipt.instanceId}`)
    .send(receipt);
}
