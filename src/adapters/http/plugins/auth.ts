import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Actor } from '../../../core/actor.ts';
import { WeirError } from '../../../errors.ts';
import type { Caller, KeyRing } from '../../../ops/access/key-ring.ts';
import { reaches, type Scope } from '../../../ops/access/scope.ts';
import { Attached } from './attached.ts';
import type { Limit } from './limits.ts';
import { requireSameOrigin } from './origin.ts';
import { readSessionCookie } from './session-cookie.ts';

/** `open`: anybody. `signed`: the route checks a signature. Else the least scope that a caller must have. */
export type RouteScope = Scope | 'open' | 'signed';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Without it the server does not start. */
    scope?: RouteScope;
    /**
     * A caller without a key or session is let through, and the route verifies another credential, one that
     * does not come as Authorization. `callerOf` returns undefined for such a caller.
     */
    orTicket?: boolean;
    /** false: with a key or ticket not counted by server.http.requestsPerMinute. For what has other bounds. */
    limited?: boolean;
  }
}

export interface AuthDeps {
  keyRing: KeyRing;
  /** See isLocalOnly(): otherwise nothing is open, also when there is no key. */
  isOnLoopback: boolean;
  limit: Limit;
  /** Counts a wrong key; it may throw RATE_LIMITED. */
  onWrongKey?: (request: FastifyRequest) => void;
}

/** The one place where a route's `scope` is enforced; a route that declares none ends the start. */
export function addAuth(http: FastifyInstance, deps: AuthDeps): void {
  http.addHook('onRoute', ({ method, url, config }) => {
    if (config?.scope) return;
    throw new Error(`${method} ${url} does not say who may call it: give it config.scope`);
  });
  http.addHook('onRequest', (request, reply, done) => {
    const { scope, limited, activity } = request.routeOptions.config;
    if (scope === 'signed' && Array.isArray(activity)) {
      // The signature lets the request in; a key only names the operator who sent it in place of the signer.
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
    // A flood of buyers waits for no promise where everybody may buy.
    if (limited === false && isKnownOpen(deps)) {
      callers.set(request, everybody);
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
  // Also where purchases are not counted: what carries no key is none.
  if (limited !== false || isRejected) await deps.limit(request);
  if (caller) requireScope(caller, scope);
  else if (isRejected) throw keyRequired(reply);
}

/**
 * Whose key or session the request carries. Without any key in the world it is the operator, who may do everything.
 *
 * @returns undefined when it carries none, or one that opens nothing
 */
export async function findCaller(
  request: FastifyRequest,
  { keyRing, isOnLoopback }: Pick<AuthDeps, 'keyRing' | 'isOnLoopback'>,
): Promise<Caller | undefined> {
  if (isOnLoopback && (await keyRing.isOpen())) return everybody;
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
 * Who calls as far as the headers and memory say, with the answer that `findCaller` would give. undefined: that takes a query, a
 * cookie, or the address behind a proxy.
 */
export function createCallerRecall(
  { keyRing, isOnLoopback }: Pick<AuthDeps, 'keyRing' | 'isOnLoopback'>,
  hasProxies: boolean,
) {
  return ({ headers }: IncomingMessage): Caller | 'stranger' | undefined => {
    if (isKnownOpen({ keyRing, isOnLoopback })) return everybody;
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

/** Also the answer to a wrong key: it does not reveal which of the two it was. */
export function keyRequired(reply: FastifyReply): WeirError {
  reply.header('www-authenticate', 'Bearer');
  return new WeirError('UNAUTHENTICATED', 'this needs an operator key, and none or a wrong one was sent');
}

const everybody: Caller = { name: 'operator', scope: 'admin' };
const callers = new Attached<FastifyRequest, Caller>();
const asking = new Attached<FastifyRequest, () => Promise<boolean>>();

/** For an answer that goes on: whether the key or session of its request still opens the route. */
export async function mayStillCall(request: FastifyRequest): Promise<boolean> {
  return (await asking.get(request)?.()) ?? true;
}

/** For a route that finds out by itself who asks. */
export function noteCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** Who asks; undefined on a route with `orTicket` that was asked without a key, and on open ones. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}

/** For routes with `orTicket`: the shop sends its key, and a buyer the ticket from the shop. */
export function requireKeyOr(readTicket: (request: FastifyRequest) => unknown) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    done(callerOf(request) || readTicket(request) !== undefined ? undefined : keyRequired(reply));
  };
}

/** Whether a program with a key asks, as a shop's back end does, which speaks for many users. */
export function hasKey(request: FastifyRequest): boolean {
  const caller = callers.get(request);
  return caller !== undefined && caller !== everybody;
}

/**
 * On a route that programs call as well: a person is a session of the page, or a key of scope admin, which no program needs
 * for it.
 */
export function isByHand(request: FastifyRequest): boolean {
  const caller = callers.get(request);
  return (
    caller !== undefined && caller !== everybody && (caller.until !== undefined || caller.scope === 'admin')
  );
}

/** The caller as it is recorded with a change. */
export function actorOf(request: FastifyRequest): Actor {
  const { name, keyId } = callers.get(request) ?? everybody;
  return { name, keyId, via: 'http', requestId: request.id };
}

/** For a route that needs more of some of its callers. @throws WeirError INSUFFICIENT_SCOPE */
export function requireScopeOf(request: FastifyRequest, scope: Scope): void {
  requireScope(callers.get(request) ?? everybody, scope);
}

function requireScope(caller: Caller, scope: Scope): void {
  if (reaches(caller.scope, scope)) return;
  throw new WeirError(
    'INSUFFICIENT_SCOPE',
    `this needs scope ${scope}, and ${caller.name} has ${caller.scope}`,
  );
}
