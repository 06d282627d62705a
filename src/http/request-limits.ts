import { WeirError } from '../errors.ts';
import { isLoopback } from '../lib/address.ts';
import { type BucketOptions, TokenBuckets } from '../lib/token-buckets.ts';

/** How often one user, and one address, may ask to buy. */
export class RequestLimits {
  readonly #users: TokenBuckets;
  readonly #addresses: TokenBuckets;

  constructor(perUser: BucketOptions, perAddress: BucketOptions) {
    this.#users = new TokenBuckets(perUser);
    this.#addresses = new TokenBuckets(perAddress);
  }

  /**
   * Programs on this machine speak for many users, so their address is not limited; neither is that of a shop's back end.
   *
   * @param address undefined: it is not limited
   * @throws WeirError RATE_LIMITED
   */
  take(userId: string, address: string | undefined): void {
    const waitMs = this.#users.take(userId);
    if (waitMs > 0) throw limited(`user ${userId} asks too often`, waitMs);
    if (address === undefined || isLoopback(address)) return;
    const addressWaitMs = this.#addresses.take(address);
    if (addressWaitMs > 0) throw limited('too many requests come from this address', addressWaitMs);
  }
}

function limited(why: string, retryAfterMs: number): WeirError {
  return new WeirError('RATE_LIMITED', why, { retryAfterMs });
}
