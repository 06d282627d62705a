import type { FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import { isLoopback, nameAddress } from '../../../lib/address.ts';
import { type BucketOptions, TokenBuckets } from '../../../lib/token-buckets.ts';
import { hasKey } from './auth.ts';

/** Limits the requests of each buyer, and of each address that has no key. */
export class BuyerLimits {
  readonly #users: TokenBuckets;
  readonly #addresses: TokenBuckets;

  constructor(perUser: BucketOptions, perAddress: BucketOptions) {
    this.#users = new TokenBuckets(perUser);
    this.#addresses = new TokenBuckets(perAddress);
  }

  /**
   * Only after a key or ticket has been verified: otherwise anyone could spend the tokens of a user.
   *
   * @throws WeirError RATE_LIMITED
   */
  takeUser(userId: string): void {
    const waitMs = this.#users.take(userId);
    if (waitMs > 0) throw limited(`too many requests for user ${userId}`, waitMs);
  }

  /**
   * A program on this machine sends the requests of many users, so loopback addresses are not limited.
   *
   * @throws WeirError RATE_LIMITED
   */
  takeAddress(address: string): void {
    if (isLoopback(address)) return;
    const waitMs = this.#addresses.take(nameAddress(address));
    if (waitMs > 0) throw limited('too many requests from this address', waitMs);
  }
}

/**
 * An onRequest hook, so that a rejected request costs neither a body nor a ticket check. A shop's back end
 * has a key and sends the requests of many users, so its address is not limited.
 */
export function limitAddresses(limits: BuyerLimits) {
  return (request: FastifyRequest, _: unknown, done: (error?: Error) => void): void => {
    try {
      if (!hasKey(request)) limits.takeAddress(request.ip);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
}

function limited(why: string, retryAfterMs: number): WeirError {
  return new WeirError('RATE_LIMITED', why, { retryAfterMs });
}
