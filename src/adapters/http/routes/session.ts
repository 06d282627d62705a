import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Login, SessionShape } from '../../../api/session-shape.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import type { Caller, KeyRing } from '../../../ops/access/key-ring.ts';
import { createSessionId, digestOf, hasSessionForm } from '../../../ops/access/operator-key.ts';
import { listScopes } from '../../../ops/access/scope.ts';
import type { SessionStore } from '../../../ops/access/session.ts';
import { type AuthDeps, actorOf, findCaller, setCaller, unauthenticated } from '../plugins/auth.ts';
import type { Limit } from '../plugins/caller-limits.ts';
import { requireSameOrigin } from '../plugins/origin.ts';
import {
  clearSessionCookie,
  readSessionCookie,
  sessionLastsMs,
  setSessionCookie,
} from '../plugins/session-cookie.ts';

export interface SessionDeps extends AuthDeps {
  sessions: SessionStore;
  limitLogins: Limit;
}

/** A cookie instead of a key for the page, so that no key is kept where a script could read it. */
export function addSession(http: FastifyInstance, deps: SessionDeps): void {
  const { keyRing, isOnLoopback, sessions, limit, limitLogins, onWrongKey } = deps;
  const isOpen = async () => isOnLoopback && (await keyRing.isOpen());
  const endSession = async (request: FastifyRequest) => {
    const id = readSessionCookie(request);
    if (id === undefined) return;
    requireSameOrigin(request);
    // An invented cookie causes no write.
    const caller = await keyRing.findSession(id);
    if (!caller) return;
    setCaller(request, caller);
    await sessions.removeSession(digestOf(id), actorOf(request));
    await keyRing.refresh();
  };
  const readOwnCookie = (request: FastifyRequest) => {
    const id = readSessionCookie(request);
    if (id === undefined || !hasSessionForm(id)) return undefined;
    requireSameOrigin(request);
    return digestOf(id);
  };

  http.post<{ Body: Static<typeof Login> }>(
    '/v1/session',
    {
      config: { scope: 'open', activity: ['SESSION_OPENED'] },
      schema: {
        summary: 'Open a session: a cookie with the scope of the key, valid for twelve hours',
        description: 'It ends earlier when its key is revoked or expires.',
        body: Login,
        response: { 201: SessionShape, '4xx': ProblemShape },
      },
      preHandler: limitLogins,
    },
    async (request, reply) => {
      const found = await keyRing.findKey(request.body.key);
      if (!found) {
        onWrongKey?.(request);
        throw unauthenticated(reply);
      }
      setCaller(request, found.caller);
      const replaces = readOwnCookie(request);
      const session = await openSession(
        deps,
        { key: request.body.key, keyId: found.keyId, replaces },
        actorOf(request),
      );
      setSessionCookie(request, reply, session.id);
      await keyRing.refresh();
      return reply.status(201).send(showSession({ ...found.caller, until: session.expiresAt }, false));
    },
  );

  http.get(
    '/v1/session',
    {
      config: { scope: 'open' },
      schema: {
        summary: 'The caller and its scope',
        response: { 200: SessionShape, '4xx': ProblemShape },
      },
      preHandler: limit,
    },
    async (request, reply) => {
      const caller = await findCaller(request, deps);
      if (!caller) {
        if (request.headers.authorization !== undefined) onWrongKey?.(request);
        throw unauthenticated(reply);
      }
      return showSession(caller, await isOpen());
    },
  );

  http.delete(
    '/v1/session',
    {
      config: { scope: 'open', activity: ['SESSION_ENDED'] },
      schema: { summary: 'End the session', response: { 204: Type.Null(), '4xx': ProblemShape } },
      preHandler: limit,
    },
    async (request, reply) => {
      await endSession(request);
      clearSessionCookie(request, reply);
      return reply.status(204).send();
    },
  );
}

async function openSession(
  { keyRing, sessions }: { keyRing: KeyRing; sessions: SessionStore },
  { key, ...opened }: { key: string; keyId: string | undefined; replaces: Buffer | undefined },
  actor: Actor,
): Promise<{ id: string; expiresAt: Date }> {
  const id = createSessionId();
  const proof = opened.keyId === undefined ? keyRing.proveKey(id, key) : undefined;
  const session = { ...opened, digest: digestOf(id), proof, lastsMs: sessionLastsMs };
  const expiresAt = await sessions.addSession(session, actor);
  return { id, expiresAt };
}

function showSession({ name, scope, until }: Caller, open: boolean): Static<typeof SessionShape> {
  return { name, scopes: listScopes(scope), expiresAt: until?.toISOString() ?? null, open };
}
