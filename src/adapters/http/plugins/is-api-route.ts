import type { FastifyRequest } from 'fastify';

/** Decided by the matched route: a path can be written in many ways, such as `/%76%31/now`. */
export function isApiRoute({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url?.startsWith('/v1/') === true;
}
