import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Audit } from '../audit/audit.ts';

export interface AuditParts {
  audit: (full: boolean) => Promise<Audit>;
}

export function addAudit(http: FastifyInstance, { audit }: AuditParts): void {
  http.get<{ Querystring: { full?: 'true' | 'false' } }>(
    '/v1/audit',
    {
      schema: {
        summary: 'Every sum that must hold, computed from the stores themselves',
        description:
          'What is old and settled was counted once; full=true counts all of it again. `ok` is true when every sum ' +
          'holds and nothing is listed.',
        querystring: Type.Object(
          { full: Type.Optional(Type.Enum(['true', 'false'])) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => audit(query.full === 'true'),
  );
}
