import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { KeyList, KeyShape, MadeKeyShape, NewKey } from '../../../api/key-shapes.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import { WeirError } from '../../../errors.ts';
import type { KeyRing } from '../../../ops/access/key-ring.ts';
import {
  createOperatorKey,
  digestOf,
  type OperatorKey,
  type OperatorKeyStore,
} from '../../../ops/access/operator-key.ts';
import { actorOf } from '../plugins/auth.ts';
import { listOf } from '../queries.ts';

export interface KeyDeps {
  keys: OperatorKeyStore;
  keyRing: KeyRing;
}

export function addKeys(http: FastifyInstance, { keys, keyRing }: KeyDeps): void {
  http.post<{ Body: Static<typeof NewKey> }>(
    '/v1/keys',
    {
      config: { scope: 'admin', activity: ['KEY_CREATED'] },
      schema: {
        summary: 'Create an operator key; only this response contains it',
        description: 'If the response is lost, revoke the key and create another.',
        body: NewKey,
        response: { 201: MadeKeyShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { name, scope, expiresAt } = request.body;
      const key = createOperatorKey(scope);
      const made = await keys.addKey(
        {
          name,
          scope,
          expiresAt: expiresAt === undefined ? undefined : parseExpiry(expiresAt),
          digest: digestOf(key),
        },
        actorOf(request),
      );
      await keyRing.refresh();
      return reply
        .status(201)
        .header('cache-control', 'no-store')
        .send({ ...showKey(made), key });
    },
  );

  http.get(
    '/v1/keys',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'List all operator keys, including revoked ones, newest first',
        response: { 200: KeyList, '4xx': ProblemShape },
      },
    },
    async () => listOf((await keys.listKeys()).map(showKey), undefined),
  );

  http.delete<{ Params: { id: string } }>(
    '/v1/keys/:id',
    {
      config: { scope: 'admin', activity: ['KEY_REVOKED'] },
      schema: {
        summary: 'Revoke an operator key',
        description:
          'Within a second every process rejects the key and its sessions. A repeat gets the same response.',
        response: { 200: KeyShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { id } = request.params;
      const revoked = /^[1-9]\d{0,17}$/.test(id) ? await keys.revokeKey(id, actorOf(request)) : undefined;
      if (!revoked) throw new WeirError('KEY_NOT_FOUND', `there is no key ${id.slice(0, 40)}`);
      await keyRing.refresh();
      return showKey(revoked);
    },
  );
}

/** @throws WeirError KEY_EXPIRY_INVALID */
function parseExpiry(text: string, nowMs = Date.now()): Date {
  const at = new Date(text);
  // ISO 8601 and many clients end at the year 9999.
  if (at.getTime() > nowMs && at.getUTCFullYear() <= 9999) return at;
  throw new WeirError('KEY_EXPIRY_INVALID', `a key cannot expire at ${text.slice(0, 40)}`);
}

function showKey(key: OperatorKey): Static<typeof KeyShape> {
  return {
    ...key,
    createdAt: key.createdAt.toISOString(),
    lastUsedAt: key.lastUsedAt?.toISOString() ?? null,
    expiresAt: key.expiresAt?.toISOString() ?? null,
    revokedAt: key.revokedAt?.toISOString() ?? null,
    revokedBy: key.revokedBy ?? null,
  };
}
