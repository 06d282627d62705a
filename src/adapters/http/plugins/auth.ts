import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../../../core/actor.ts';
import { WeirError } from '../../../errors.ts';
import type { Caller, KeyRing } from '../../../ops/access/key-ring.ts';
import { reaches, type Scope } from '../../../ops/access/scope.ts';
import { Attached } from './attached.ts';
import type { Limit } from './caller-limits.ts';
import { requireSameOrigin } from './origin.ts';
import { readSessionCookie } from './session-cookie.ts';

/**
 * `open`: everyone. `signed`: the route checks a signature. Otherwise the scope that a caller needs at least.
 */
export type RouteScope = Scope | 'open' | 'signed';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. A route without it fails the start. */
    scope?: RouteScope;
    /**
     * A caller without a key or session passes, and the route verifies another credential, which is not sent
     * as Authorization. `callerOf` returns undefined for such a caller.
     */
    orTicket?: boolean;
    /**
     * false: requests with a key or ticket are not counted by server.http.requestsPerMinute, because other
     * limits apply.
     */
    limited?: boolean;
  }
}

export interface AuthDeps {
  keyRing: KeyRing;
  /** See isLocalOnly(). When false, the API is closed even when there is no key. */
  isOnLoopback: boolean;
  limit: Limit;
  /** Counts a wrong key; may throw RATE_LIMITED. */
  onWrongKey?: (request: FastifyRequest) => void;
}

/** The only place that enforces a route's `scope`; a route without one fails the start. */
export function addAuth(http: FastifyInstance, deps: AuthDeps): void {
  http.addHook('onRoute', ({ method, url, config }) => {
    if (config?.scope) return;
    throw new Error(`${method} ${url} declares no scope: set config.scope`);
  });
  http.addHook('onRequest', (request, reply, done) => {
    const { scope, limited, activity } = request.routeOptions.config;
    if (scope === 'signed' && Array.isArray(activity)) {
      // The signature authorizes the request; a key only names the operator who sent it in place of the
      // signer.
      findCaller(request, deps).then(
        (caller) => {
          if (caller) callers.set(request, caller);
          done();
        },
        () => done(),
      );
      return;
    }
    if (request.is404 || scope === undefined || scope === 'open' || scope === 'signed') {
      done();
      return;
    }
    // Fast path for the buyers' flood: no promise is awaited when every caller may buy.
    if (limited === false && isKnownOpen(deps)) {
      callers.set(request, anonymousAdmin);
      done();
      return;
    }
    judge(request, reply, scope, deps).then(() => done(), done);
  });
}

async function judge(
  request: FastifyRequest,
  reply: FastifyReply,
  scope: Scope,
  deps: AuthDeps,
): Promise<void> {
  const { orTicket, limited } = request.routeOptions.config;
  const caller = await findCaller(request, deps);
  asking.set(request, async () => {
    const now = await findCaller(request, deps);
    return now !== undefined && reaches(now.scope, scope);
  });
  if (caller) callers.set(request, caller);
  const hasWrongKey = !caller && request.headers.authorization !== undefined;
  if (hasWrongKey) deps.onWrongKey?.(request);
  const isRejected = !caller && (hasWrongKey || !orTicket);
  // A rejected credential counts even where purchases are not counted.
  if (limited !== false || isRejected) await deps.limit(request);
  if (caller) requireScope(caller, scope);
  else if (isRejected) throw unauthenticated(reply);
}

/**
 * The caller whose key or session the request carries. When no operator key exists, every caller is an admin.
 *
 * @returns undefined without a credential, or with an invalid one
 */
export async function findCaller(
  request: FastifyRequest,
  { keyRing, isOnLoopback }: Pick<AuthDeps, 'keyRing' | 'isOnLoopback'>,
): Promise<Caller | undefined> {
  if (isOnLoopback && (await keyRing.isOpen())) return anonymousAdmin;
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const key = readBearer(authorization);
    return key === undefined ? undefined : (await keyRing.findKey(key))?.caller;
  }
  const sessionId = readSessionCookie(request);
  const caller = sessionId === undefined ? undefined : await keyRing.findSession(sessionId);
  if (caller) requireSameOrigin(request);
  return caller;
}

/**
 * The caller as far as headers and memory tell, identical to the result of `findCaller`. undefined: that
 * requires a query, a cookie, or the address behind a proxy.
 */
export function createCallerRecall(
  { keyRing, isOnLoopback }: Pick<AuthDeps, 'keyRing' | 'isOnLoopback'>,
  hasProxies: boolean,
) {
  return ({ headers }: IncomingMessage): Caller | 'stranger' | undefined => {
    if (isKnownOpen({ keyRing, isOnLoopback })) return anonymousAdmin;
    const { authorization, cookie } = headers;
    if (authorization !== undefined) {
      const key = readBearer(authorization);
      return key === undefined ? undefined : keyRing.recallKey(key);
    }
    return cookie !== undefined || isOnLoopback || hasProxies ? undefined : 'stranger';
  };
}

function isKnownOpen({ keyRing, isOnLoopback }: Pick<AuthDeps, 'keyRing' | 'isOnLoopback'>): boolean {
  return isOnLoopback && keyRing.isKnownOpen;
}

function readBearer(authorization: string): string | undefined {
  return /^Bearer (.{1,512})$/i.exec(authorization)?.[1];
}

/** Also the answer to a wrong key, so that it does not reveal which of the two it was. */
export function unauthenticated(reply: FastifyReply): WeirError {
  reply.header('www-authenticate', 'Bearer');
  return new WeirError('UNAUTHENTICATED', 'missing or invalid operator key');
}

const anonymousAdmin: Caller = { name: 'operator', scope: 'admin' };
const callers = new Attached<FastifyRequest, Caller>();
const asking = new Attached<FastifyRequest, () => Promise<boolean>>();

/** For an answer that stays open: whether the key or session of its request is still valid for the route. */
export async function mayStillCall(request: FastifyRequest): Promise<boolean> {
  return (await asking.get(request)?.()) ?? true;
}

/** For a route that verifies its callers itself. */
export function setCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** The caller; undefined on open routes, and on a route with `orTicket` that was called without a key. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}

/** For routes with `orTicket`: the shop sends its key, a buyer sends the ticket from the shop. */
export function requireKeyOr(readTicket: (request: FastifyRequest) => unknown) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    done(callerOf(request) || readTicket(request) !== undefined ? undefined : unauthenticated(reply));
  };
}

/** Whether the caller is a program with a key, such as a shop's back end, which acts for many users. */
export function hasKey(request: FastifyRequest): boolean {
  const caller = callers.get(request);
  return caller !== undefined && caller !== anonymousAdmin;
}

/**
 * Distinguishes an operator from a program on a route that both call: a session of the page, or a key with
 * scope admin, which no program needs for this.
 */
export function isByHand(request: FastifyRequest): boolean {
  const caller = callers.get(request);
  return (
    caller !== undefined &&
    caller !== anonymousAdmin &&
    (caller.until !== undefined || caller.scope === 'admin')
  );
}

/** The caller as recorded with a change. */
export function actorOf(request: FastifyRequest): Actor {
  const { name, keyId } = callers.get(request) ?? anonymousAdmin;
  return { name, keyId, via: 'http', requestId: request.id };
}

/** For a route that requires more of some of its callers. @throws WeirError INSUFFICIENT_SCOPE */
export function requireScopeOf(request: FastifyRequest, scope: Scope): void {
  requireScope(callers.get(request) ?? anonymousAdmin, scope);
}

function requireScope(caller: Caller, scope: Scope): void {
  if (reaches(caller.scope, scope)) return;
  throw new WeirError(
    'INSUFFICIENT_SCOPE',
    `this requires scope ${scope}; ${caller.name} has scope ${caller.scope}`,
  );
}
