import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { InstanceShape } from '../../../api/shapes.ts';
import { WeirError } from '../../../errors.ts';

/**
 * Above the high-water mark no purchase is accepted: an accepted one must be published in reasonable time.
 */
export function requireRoom(hasRoom: () => boolean): void {
  if (!hasRoom()) throw new WeirError('OVERLOADED', 'too many events wait to be published');
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
