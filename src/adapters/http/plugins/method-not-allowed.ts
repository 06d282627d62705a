import type { FastifyInstance } from 'fastify';
import findMyWay, { type HTTPMethod } from 'find-my-way';
import { pageUrl } from './page.ts';

/**
 * Tracks the methods of each path in a second router, which is asked only when no route matched, so that
 * ordinary requests pay nothing. Call it before routes are added.
 */
export function trackMethods(http: FastifyInstance, options: findMyWay.Config<never>) {
  const router = findMyWay(options);
  const methods = new Set<HTTPMethod>();
  http.addHook('onRoute', ({ method, url }) => {
    // The page answers GET on every path; that is no route of the API.
    if (url === pageUrl) return;
    for (const one of [method].flat() as HTTPMethod[]) {
      if (router.hasRoute(one, url)) continue;
      methods.add(one);
      router.on(one, url, () => {});
    }
  });
  return (path: string): string[] => [...methods].filter((method) => router.find(method, path)).sort();
}
