import { isIP } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import { type Exposure, isLocalOnly, splitAddr } from '../../../lib/address.ts';
import { isApiRoute } from './is-api-route.ts';
import { sendProblem } from './problem.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * For probes, which use any host name or none. `unless named`: any address or none, but no foreign name.
     */
    anyHost?: 'always' | 'unless named';
  }
}

/**
 * A page of another site must not reach this server through the visitor's browser: neither by a name that it
 * resolves to 127.0.0.1 (Host), nor by a cross-site form or fetch (Origin, Sec-Fetch-Site). Where keys are
 * required and `hosts` is empty, Host does not matter.
 */
export function checkHostAndOrigin(config: Exposure) {
  const isServed = createHostCheck(config);
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const host = (request.headers.host ?? '').toLowerCase();
    if (!isServed(host) && !isProbe(request, withoutPort(host))) {
      sendProblem(reply, {
        title: 'Misdirected request',
        status: 421,
        code: 'HOST_NOT_ALLOWED',
        detail: 'this Host is not served here; add it to server.http.hosts',
      });
      return;
    }
    const { origin, 'sec-fetch-site': site } = request.headers;
    // A cross-site GET whose answer is not read (an image, a fetch without CORS) has no Origin, and would
    // cost work.
    const isForeign = (site === 'cross-site' || site === 'same-site') && isApiRoute(request);
    if (isForeign || (origin !== undefined && hostOf(origin) !== host)) {
      done(new WeirError('ORIGIN_NOT_ALLOWED', 'a page of another origin may not call this API'));
    } else done();
  };
}

/** Whether a `Host` header names this server. */
export function createHostCheck(config: Exposure): (host: string) => boolean {
  const { hosts } = config;
  if (!isLocalOnly(config) && hosts.length === 0) return () => true;
  const bound = splitAddr(config.addr).host;
  const served = new Set(
    [...hosts, bound, `[${bound}]`, 'localhost', '127.0.0.1', '[::1]'].map((host) => host.toLowerCase()),
  );
  return (host) => served.has(withoutPort(host.toLowerCase()));
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A browser sends the cookie automatically, so a change made with it must also prove that it comes from
 * Weir's own page: by Origin, which `checkHostAndOrigin` has compared, or by Sec-Fetch-Site. Scripts can set
 * neither.
 *
 * @throws WeirError ORIGIN_NOT_ALLOWED
 */
export function requireSameOrigin(request: FastifyRequest): void {
  if (safeMethods.has(request.method)) return;
  const { origin, 'sec-fetch-site': site } = request.headers;
  const isWeaker = request.protocol === 'https' && origin?.startsWith('http:');
  if (site !== undefined ? site === 'same-origin' && !isWeaker : origin !== undefined && !isWeaker) return;
  throw new WeirError(
    'ORIGIN_NOT_ALLOWED',
    'changes with a session cookie are accepted from a page of this origin only',
  );
}

function isProbe({ routeOptions: { config } }: FastifyRequest, name: string): boolean {
  return config.anyHost === 'always' || (config.anyHost === 'unless named' && isAddressOrNone(name));
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}

function isAddressOrNone(name: string): boolean {
  return name === '' || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
