import type { FastifyRequest } from 'fastify';
import type { HttpConfig } from '../../../config/config.ts';
import { WeirError } from '../../../errors.ts';
import { nameAddress } from '../../../lib/address.ts';
import { TokenBuckets } from '../../../lib/token-buckets.ts';
import { callerOf } from './auth.ts';

/** Counts the request. @throws WeirError RATE_LIMITED */
export type Limit = (request: FastifyRequest) => Promise<void>;

/**
 * Requests per minute for each key, and for each address that sends none; the burst is as large. 0:
 * unlimited.
 */
export function createCallerLimits({
  requestsPerMinute,
  loginsPerMinute,
}: Pick<HttpConfig, 'requestsPerMinute' | 'loginsPerMinute'>): {
  limit: Limit;
  limitLogins: Limit;
} {
  return {
    limit: createLimit(requestsPerMinute, (request) => callerOf(request)?.name),
    limitLogins: createLimit(loginsPerMinute, () => undefined),
  };
}

function createLimit(perMinute: number, nameOf: (request: FastifyRequest) => string | undefined): Limit {
  const options = { perSecond: perMinute / 60, burst: perMinute };
  // Two tables: a flood of addresses does not evict the count of a key.
  const [names, addresses] = [new TokenBuckets(options), new TokenBuckets(options)];
  return async (request) => {
    const name = nameOf(request);
    const retryAfterMs = name === undefined ? addresses.take(nameAddress(request.ip)) : names.take(name);
    if (retryAfterMs === 0) return;
    throw new WeirError('RATE_LIMITED', `more than ${perMinute} requests per minute`, { retryAfterMs });
  };
}
